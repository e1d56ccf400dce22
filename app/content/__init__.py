"""What: an author's message, compiled once into what SES sends to each recipient."""
