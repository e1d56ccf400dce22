"""Events as they stand on the wire (pure). https://html.spec.whatwg.org/multipage/server-sent-events.html"""

from collections.abc import Sequence

RETRY = b"retry: 2000\n\n"
"""How soon a client is to come back, in milliseconds."""
HEARTBEAT = b": heartbeat\n\n"
RELOAD = b"event: reload\ndata: {}\n"


def make_event(data: str) -> bytes:
    """Make a `stats` event of JSON on one line, still without its id."""
    return f"event: stats\ndata: {data}\n".encode()


def make_comment(words: str) -> bytes:
    """Make a line that clients pass over."""
    return f": {words}\n\n".encode()


def make_id(mark: int) -> str:
    """Name a state by its mark: the same in every process, so that a client can come back to any."""
    return f"{mark & 0xFFFF_FFFF_FFFF_FFFF:016x}"


def join_events(events: Sequence[bytes], last_id: str) -> bytes:
    """End the events; the id comes with the last, so that who got a part of them gets all again."""
    return b"\n".join(events) + f"id: {last_id}\n\n".encode()
