"""What is going on, for who waits: on standard error, so that standard output holds the tables alone."""

import sys


def say(text: str) -> None:
    """Print a line at once."""
    print(text, file=sys.stderr, flush=True)
