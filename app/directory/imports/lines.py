"""From the pieces of a body to the lines of its file: pure, and never more than one row in memory."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.core.errors import InvalidInput

MOST_ROW_BYTES = 64 * 1024
"""Longest row that is read; a longer one is rejected, and the file goes on after it."""
_BOM = b"\xef\xbb\xbf"
_MARKS = (b"\xff\xfe", b"\xfe\xff")
_ENOUGH = 4


@dataclass(slots=True)  # not frozen: one is made for each row, and that would cost five times as much
class Line:
    """A line without its end; `ended` is false of a fragment of one that is too long to be kept."""

    number: int
    text: bytes
    ended: bool = True


class LineReader:
    """Cuts pieces of UTF-8 into lines, counted from 1; a byte order mark and carriage returns are dropped."""

    def __init__(self) -> None:
        self._number = 1
        self._rest = bytearray()
        self._started = False

    def feed(self, piece: bytes) -> Iterator[Line]:
        """Yield the lines that this piece ends; InvalidInput when the file is no UTF-8 from the start."""
        if not self._started:
            piece = self._start(piece)
        *ended, rest = piece.split(b"\n")
        for part in ended:
            yield self._end(part)
        self._rest += rest
        if len(self._rest) > MOST_ROW_BYTES:
            yield Line(self._number, bytes(self._rest), ended=False)
            self._rest.clear()

    def finish(self) -> Iterator[Line]:
        """Yield the last line when no line break ends it."""
        if not self._started:
            self._rest = bytearray(_check_encoding(bytes(self._rest)))
        if self._rest:
            yield self._end(b"")

    def _start(self, piece: bytes) -> bytes:
        """Hold back what is too little to tell its encoding."""
        self._rest += piece
        if len(self._rest) < _ENOUGH:
            return b""
        self._started = True
        whole = _check_encoding(bytes(self._rest))
        self._rest.clear()
        return whole

    def _end(self, part: bytes) -> Line:
        if self._rest:
            part = bytes(self._rest) + part
            self._rest.clear()
        line = Line(self._number, part.removesuffix(b"\r"))
        self._number += 1
        return line


def _check_encoding(start: bytes) -> bytes:
    """Return the start of a file without its byte order mark; refuse UTF-16 and UTF-32, marked or not."""
    if start.startswith(_MARKS) or b"\x00" in start[:_ENOUGH]:
        raise InvalidInput("The file is UTF-16 or UTF-32; save it as UTF-8.")
    return start.removeprefix(_BOM)
