"""Cursor pages: a cursor is the sort key of the last row seen, so any page costs what the first does."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import Field

from app.core.errors import Fault, InvalidInput
from app.core.schema import Page

Row = TypeVar("Row")
View = TypeVar("View")

LEAST_INTEGER = -(2**31)
"""The least of PostgreSQL's `integer`, which is what numbered rows are numbered with."""

Limit = Annotated[int, Field(ge=1, le=200, description="Items on a page.")]
Cursor = Annotated[str | None, Field(max_length=2000, description="`next_cursor` of the page before.")]


def encode_cursor(*key: Any) -> str:  # any JSON scalar may be a sort key
    """Make an opaque cursor of a row's sort key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def or_null(read: Callable[[Any], View]) -> Callable[[Any], View | None]:
    """Let this part of a cursor be null: the sort key is null in some rows."""
    return lambda part: None if part is None else read(part)


def decode_cursor(cursor: str, *types: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Read a cursor back, each part by its own type; only what was made with `or_null` may be null."""
    try:
        raw = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(raw, list):
            raise TypeError("is no sort key")
        return tuple(_storable(read(part), part) for read, part in zip(types, raw, strict=True))
    except (binascii.Error, ValueError, TypeError, AttributeError, OverflowError):
        raise InvalidInput(
            "The cursor is not one this list gave.", errors=[Fault("/cursor", "is not valid")]
        ) from None


def _storable(value: Any, part: Any) -> Any:  # any JSON scalar may be a sort key
    """Refuse what no column holds, and what was read from another type of JSON value."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else _refuse()
    if isinstance(value, str | int | None) and type(part) is not type(value):
        return _refuse()
    if isinstance(value, int) and not LEAST_INTEGER <= value <= -LEAST_INTEGER - 1:
        return _refuse()
    return _refuse() if isinstance(value, str) and "\x00" in value else value


def _refuse() -> Any:
    raise ValueError("is of no row")


def make_page(
    rows: Sequence[Row], *, limit: int, view: Callable[[Row], View], key: Callable[[Row], tuple[Any, ...]]
) -> Page[View]:
    """Make a page of `limit` items out of up to `limit + 1` rows."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=[view(row) for row in shown], next_cursor=encode_cursor(*key(shown[-1])) if more else None
    )
