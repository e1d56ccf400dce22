"""A row of a file as it was read: a good item, or what is wrong with it. And rows of NDJSON."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import ValidationError

from app.directory.imports.lines import MOST_ROW_BYTES, Line
from app.directory.schemas import RecordItem

MOST_FAULTS = 20
_UNSTORABLE = re.compile("[\x00-\x1f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a row: in which field (empty: the row itself), and why, without the value."""

    field: str
    reason: str


TOO_LONG = RowFault("", f"is longer than {MOST_ROW_BYTES} bytes")
NOT_UTF8 = RowFault("", "is not valid UTF-8")


@dataclass(slots=True)  # not frozen, as lines are not
class Row:
    """One row: the line it begins on, and its item or its faults."""

    line: int
    size: int = 0
    item: RecordItem | None = None
    faults: tuple[RowFault, ...] = ()


class RowReader(Protocol):
    """Makes rows of lines, one kind for each format."""

    def read(self, line: Line) -> Row | None:
        """Return the row that this line ends, if it ends one."""

    def finish(self) -> Row | None:
        """Return the row that the end of the file leaves unended, if any."""


class JsonReader:
    """Rows of NDJSON: an object a line; empty lines are nothing."""

    def __init__(self, item: type[RecordItem]) -> None:
        self._validate = item.__pydantic_validator__.validate_json
        self._lost = False

    def read(self, line: Line) -> Row | None:
        """Return the line's row."""
        text = line.text
        if not line.ended or self._lost or len(text) > MOST_ROW_BYTES:
            self._lost = not line.ended
            return Row(line.number, faults=(TOO_LONG,)) if line.ended else None
        if not text or text.isspace():
            return None
        try:
            return Row(line.number, len(text), self._validate(text))
        except ValidationError as error:
            return Row(line.number, len(text), faults=_explain_json(text, error))

    def finish(self) -> Row | None:
        """Return nothing: a line is a row."""
        return None


def explain(error: ValidationError) -> tuple[RowFault, ...]:
    """Return what pydantic found, as the API would say it."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return tuple(_explain_fault(fault) for fault in faults[:MOST_FAULTS])


def make_storable(text: str) -> str:
    """Return a name that came with the file as PostgreSQL and a terminal can take it."""
    return _UNSTORABLE.sub("�", text)[:100]


def _explain_json(text: bytes, error: ValidationError) -> tuple[RowFault, ...]:
    if error.errors(include_url=False, include_input=False)[0]["type"] != "json_invalid":
        return explain(error)
    try:
        text.decode()
    except UnicodeDecodeError:
        return (NOT_UTF8,)
    return explain(error)


def _explain_fault(fault: Mapping[str, Any]) -> RowFault:
    field = ".".join(str(part) for part in fault["loc"])
    message = str(fault["msg"]).removeprefix("Value error, ")
    return RowFault(make_storable(field), _UNSTORABLE.sub("�", message[:1].lower() + message[1:]))


def iterate_rows(reader: RowReader, lines: Iterator[Line]) -> Iterator[Row]:
    """Yield the rows that these lines end."""
    for line in lines:
        row = reader.read(line)
        if row is not None:
            yield row
