"""The base of every request and response body."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    JsonValue,
    PlainSerializer,
    StringConstraints,
)

Item = TypeVar("Item")


class Body(BaseModel):
    """What a caller sends: unknown fields are refused, so that a typing error never passes silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """What the API answers."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def exemplify(**fields: JsonValue) -> ConfigDict:
    """Return the configuration of a body that shows these fields as its example in the OpenAPI document."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def no_nul(value: str) -> str:
    """Return a text that PostgreSQL can store; ValueError for any other."""
    if "\x00" in value:
        raise ValueError("must not contain NUL")
    if not value.isascii() and _LONE_SURROGATE.search(value):
        raise ValueError("must not contain lone surrogates")
    return value


Text = Annotated[str, AfterValidator(no_nul)]
"""Any text PostgreSQL can store."""

# Constraints stand on `str` itself: laid over a validator they measure before they strip.
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=255, strip_whitespace=True), AfterValidator(no_nul)
]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(no_nul)]
"""The platform's own identifier of a record."""


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is beyond the years 1 to 9999 in UTC") from None


def _is_no_count(value: object) -> object:
    # pydantic also reads text of digits, as seconds since 1970: an instant's text has a date and a time.
    if isinstance(value, str) and value[10:11] not in {"T", "t", " ", "_"}:
        raise ValueError("must be an RFC 3339 instant such as 2026-03-02T09:00:00Z")
    return value


def _in_utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_is_no_count),
    AfterValidator(_to_utc),
    PlainSerializer(_in_utc, when_used="json"),
]
"""An RFC 3339 instant: read with any offset, answered in UTC."""


class Page(View, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: Sequence[Item]
    next_cursor: str | None


JsonObject = dict[str, Any]
