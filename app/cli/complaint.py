"""What a command says when it cannot go on. Light: every command loads it."""


class Complaint(Exception):
    """What stands in the way, in one line."""
