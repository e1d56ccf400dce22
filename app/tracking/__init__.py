"""Pixel and click: what people did with the mail."""
