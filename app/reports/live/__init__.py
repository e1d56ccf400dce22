"""Reports that change while one looks: server-sent events (WHATWG HTML, section 9.2)."""
