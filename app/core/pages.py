"""Cursor pages: a cursor is the sort key of the last row seen, so any page costs what the first does."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

import orjson
from pydantic import Field

from app.core.errors import Fault, InvalidInput
from app.core.schema import Page

Row = TypeVar("Row")
View = TypeVar("View")

Limit = Annotated[int, Field(ge=1, le=200, description="Items on a page.")]
Cursor = Annotated[str | None, Field(max_length=2000, description="`next_cursor` of the page before.")]


def encode_cursor(*key: Any) -> str:  # noqa: ANN401  # any JSON scalar may be a sort key
    """Make an opaque cursor of a row's sort key."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


def decode_cursor(cursor: str, *types: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Read a cursor back, each part by its own type; null stays null."""
    try:
        raw = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if not isinstance(raw, list) or len(raw) != len(types):
            raise ValueError("wrong shape")
        return tuple(None if part is None else read(part) for read, part in zip(types, raw, strict=True))
    except (binascii.Error, ValueError, TypeError, AttributeError):
        raise InvalidInput(
            "The cursor is not one this list gave.", errors=[Fault("/cursor", "is not valid")]
        ) from None


def make_page(
    rows: Sequence[Row], *, limit: int, view: Callable[[Row], View], key: Callable[[Row], tuple[Any, ...]]
) -> Page[View]:
    """Make a page of `limit` items out of up to `limit + 1` rows."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(
        items=[view(row) for row in shown], next_cursor=encode_cursor(*key(shown[-1])) if more else None
    )
