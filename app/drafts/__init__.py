"""What an author looks at before sending: fields to merge, a preview, a test message."""
