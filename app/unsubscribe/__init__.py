"""One-click unsubscribing (RFC 8058) and the preference page."""
