"""Rows of CSV (RFC 4180): a header that names the fields, quoted cells that may hold line breaks."""

import csv
import re
from collections.abc import Sequence

from pydantic import ValidationError

from app.core.errors import Fault, InvalidInput
from app.core.schema import CELLS
from app.directory.imports.lines import MOST_ROW_BYTES, Line
from app.directory.imports.rows import NOT_UTF8, TOO_LONG, Row, RowFault, explain, make_storable
from app.directory.schemas import RecordItem

ATTRIBUTES = "attributes"
_CELL = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"[^,]*+|(?!")[^,]*+')


class CsvReader:
    """Rows of CSV: an empty cell is a field left out, a column `attributes.KEY` one attribute, as text."""

    def __init__(self, item: type[RecordItem]) -> None:
        self._item = item
        self._validate = item.__pydantic_validator__.validate_python
        self._header: Sequence[str] | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self._first = self._last = 0
        self._open = self._lost = False

    def read(self, line: Line) -> Row | None:
        """Return the row that this line ends; InvalidInput when the header row is not right."""
        if not self._first:
            if line.ended and not line.text.strip():
                return None
            self._first = line.number
        self._last = line.number
        self._take(line.text)
        return self._end() if line.ended and not self._open else None

    def finish(self) -> Row | None:
        """Return a rejection when the file ends within quotes, else nothing."""
        if self._header is None:
            if self._open:
                raise InvalidInput("The header row opens a quote that is never closed.")
            raise InvalidInput("The file is empty: its first row must name the fields.")
        if not self._open:
            return None
        reason = f"opens a quote that is never closed: all up to line {self._last} was read as this row"
        return Row(self._first, faults=(RowFault("", reason),))

    def _take(self, text: bytes) -> None:
        self._size += len(text) + 1
        if self._lost or self._size > MOST_ROW_BYTES + 1:
            # Too long to keep; its quotes are still counted, for what they enclose is no row of the file.
            self._lost = True
            self._parts.clear()
            self._open ^= text.count(b'"') % 2 == 1
        else:
            self._parts.append(text)
            if self._open or b'"' in text:
                # Within quotes a line is read as if it began with one.
                self._open = _ends_in_quotes(b'"' + text if self._open else text)

    def _end(self) -> Row | None:
        first, size, lost = self._first, self._size, self._lost
        whole = b"\n".join(self._parts)
        self._parts.clear()
        self._first = self._size = 0
        self._lost = False
        if self._header is None:
            self._header = _read_header(self._item, whole, lost=lost)
            return None
        if lost:
            return Row(first, faults=(TOO_LONG,))
        try:
            return Row(first, size, self._make_item(_split(whole), self._header))
        except ValidationError as error:
            faults = explain(error)
        except UnicodeDecodeError:
            faults = (NOT_UTF8,)
        except csv.Error as error:
            faults = (RowFault("", self._locate(first, f"is not valid CSV: {error}")),)
        return Row(first, size, faults=faults)

    def _make_item(self, cells: Sequence[str], header: Sequence[str]) -> RecordItem:
        if len(cells) != len(header):
            raise csv.Error(f"it has {len(cells)} cells where the header has {len(header)}")
        record: dict[str, object] = {}
        attributes: dict[str, str] = {}
        for name, cell in zip(header, cells, strict=True):
            if cell:
                field, _, key = name.partition(".")
                if key:
                    attributes[key] = cell
                else:
                    record[field] = cell
        if attributes:
            record[ATTRIBUTES] = attributes
        item: RecordItem = self._validate(record, context=CELLS)
        return item

    def _locate(self, first: int, reason: str) -> str:
        return (
            reason
            if first == self._last
            else f"{reason} (lines {first} to {self._last}: is a quote missing?)"
        )


def _ends_in_quotes(text: bytes) -> bool:
    position = 0
    while True:
        cell = _CELL.match(text, position)
        if cell is None:
            return True
        position = cell.end() + 1
        if position > len(text):
            return False


def _split(whole: bytes) -> list[str]:
    text = whole.decode()
    if '"' not in text:
        return text.split(",")
    return next(csv.reader([text], strict=True))


def _read_header(item: type[RecordItem], whole: bytes, *, lost: bool) -> Sequence[str]:
    if lost:
        raise InvalidInput(f"The header row is longer than {MOST_ROW_BYTES} bytes.")
    try:
        names = [name.strip() for name in _split(whole)]
    except (UnicodeDecodeError, csv.Error):
        raise InvalidInput("The header row is not valid CSV in UTF-8.") from None
    if any("\r" in name for name in names):
        raise InvalidInput("The rows end in lone carriage returns; end them in line feeds.")
    if len(names) == 1 and (found := re.search("[;\t]", names[0])):
        used = {";": "semicolons", "\t": "tabs"}[found[0]]
        raise InvalidInput(f"The cells are separated by {used}; separate them by commas.")
    faults = [fault for name in dict.fromkeys(names) if (fault := _check_name(item, name, names.count(name)))]
    faults += [
        Fault(f"/header/{name}", "is missing")
        for name, field in item.model_fields.items()
        if field.is_required() and name not in names
    ]
    if faults:
        raise InvalidInput("The header row is not right; nothing was stored.", errors=faults)
    return names


def _check_name(item: type[RecordItem], name: str, count: int) -> Fault | None:
    field, dot, key = name.partition(".")
    pointer = "/header/" + make_storable(name).replace("~", "~0").replace("/", "~1")
    if count > 1:
        return Fault(pointer, f"stands there {count} times")
    if dot:
        known = field == ATTRIBUTES in item.model_fields and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", key)
        return None if known else Fault(pointer, "is not a field; attributes are columns `attributes.KEY`")
    if name in item.model_fields and name != ATTRIBUTES:
        return None
    return Fault(
        pointer,
        "is not a field; attributes are columns `attributes.KEY`" if name == ATTRIBUTES else "is not a field",
    )
