"""Planned, paced, sent, settled."""
