"""Cursor pages: a cursor is the sort key of the last row seen, so any page costs what the first does."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple, TypeVar

import orjson
from pydantic import Field

from app.core.errors import Fault, InvalidInput
from app.core.schema import Page

Row = TypeVar("Row")
View = TypeVar("View")

LARGEST_NUMBER = 2**31 - 1
"""The largest of PostgreSQL's `integer`, which is what numbered rows are numbered with."""

Limit = Annotated[int, Field(ge=1, le=200, description="Items on a page.")]
Cursor = Annotated[
    str | None,
    Field(max_length=2000, description="`next_cursor` of the page before; any other is refused with 422."),
]


def encode_cursor(*key: Any) -> str:  # any JSON scalar may be a sort key
    """Make an opaque cursor of a row's sort key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def or_null(read: Callable[[Any], View]) -> Callable[[Any], View | None]:
    """Let this part of a cursor be null: the sort key is null in some rows."""
    return lambda part: None if part is None else read(part)


def decode_cursor(cursor: str, *types: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Read a cursor back, each part by its own type; only what was made with `or_null` may be null."""
    try:
        return _read_key(cursor, types)
    except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError):
        raise InvalidInput(
            "The cursor is not one this list gave.", errors=[Fault("/cursor", "is not valid")]
        ) from None


def _read_key(cursor: str, types: Sequence[Callable[[Any], Any]]) -> tuple[Any, ...]:
    raw = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    if not isinstance(raw, list) or len(raw) != len(types):
        raise ValueError("wrong shape")
    key = tuple(read(part) for read, part in zip(types, raw, strict=True))
    if not all(map(_is_sort_key, key, raw)):
        raise ValueError("of no row")
    return key


def _is_sort_key(value: Any, part: Any) -> bool:  # any JSON scalar may be a sort key
    """Tell whether a column could hold the value, and whether it was read from its own type of JSON."""
    if isinstance(value, datetime):
        return value.tzinfo is not None and bool(value.astimezone(UTC))
    if isinstance(value, str):
        return value == part and "\x00" not in value
    if isinstance(value, int):
        return type(value) is type(part) and value == part and abs(value) <= LARGEST_NUMBER
    return True


def make_page(
    rows: Sequence[Row], *, limit: int, view: Callable[[Row], View], key: Callable[[Row], tuple[Any, ...]]
) -> Page[View]:
    """Make a page of `limit` items out of up to `limit + 1` rows."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=[view(row) for row in shown], next_cursor=encode_cursor(*key(shown[-1])) if more else None
    )


def write_page(
    rows: Sequence[Row],
    *,
    limit: int,
    line: Callable[[Row], NamedTuple],
    key: Callable[[Row], tuple[Any, ...]],
) -> bytes:
    """Write the JSON of a page of `limit` items as `make_page` makes it, straight from lines of plain values.

    A fifth of the time of a page goes into its models otherwise. Instants are in UTC.
    """
    lines = [line(row) for row in rows[:limit]]
    cursor = encode_cursor(*key(rows[limit - 1])) if len(rows) > limit else None
    page = {"items": [dict(zip(each._fields, each, strict=True)) for each in lines], "next_cursor": cursor}
    return orjson.dumps(page, option=orjson.OPT_UTC_Z)
