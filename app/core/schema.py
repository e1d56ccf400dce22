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
    Field,
    JsonValue,
    PlainSerializer,
    Strict,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

Item = TypeVar("Item")


class Body(BaseModel):
    """What a caller sends: unknown fields are refused, so that a typing error never passes silently."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """What the API answers: every field is there, always."""

    model_config = ConfigDict(
        frozen=True, from_attributes=True, json_schema_serialization_defaults_required=True
    )


def exemplify(**fields: JsonValue) -> ConfigDict:
    """Return the configuration of a model that shows these fields as its example in the OpenAPI document.

    Fields that are models, or lists of them, are left out: their own examples take the place.
    """
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

CELLS = {"cells": True}
"""The context of a validation whose values are all text, as a CSV file's are."""


def _is_no_text(value: object, info: ValidationInfo) -> object:
    if isinstance(value, bool) or (isinstance(value, str) and info.context is not CELLS):
        raise ValueError("must be a whole number")
    return value


# JSON has types of its own: "5" and true are no numbers, 0 and "no" no booleans, though pydantic takes them.
Flag = Annotated[bool, Strict()]
"""true or false."""
NoText = BeforeValidator(_is_no_text)
"""For an `int`, after its bounds: a whole number, 5.0 among them (JSON Schema Core section 4.2.3)."""
Fraction = Annotated[float, Strict()]
"""A number, whole or not."""


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("is beyond the years 1 to 9999 in UTC") from None


def _is_no_count(value: object) -> object:
    # pydantic reads numbers, and text of digits, as seconds since 1970; an instant has a date and a time.
    if isinstance(value, int | float) or (
        isinstance(value, str) and value[10:11] not in {"T", "t", " ", "_"}
    ):
        raise ValueError("must be an RFC 3339 instant such as 2026-03-02T09:00:00Z")
    return value


def _in_utc(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime,
    BeforeValidator(_is_no_count),
    AfterValidator(_to_utc),
    PlainSerializer(_in_utc, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An RFC 3339 instant: read with any offset, answered in UTC."""


class Page(View, Generic[Item]):
    """One page of a list; `next_cursor` is null on the last."""

    items: Sequence[Item]
    next_cursor: str | None = Field(
        description="Ask with it as `cursor` for the next page; null on the last.", examples=[None]
    )

    @classmethod
    def model_parametrized_name(cls, params: tuple[Any, ...]) -> str:
        """Name a page for what is on it, as generated clients do."""
        return f"{params[0].__name__.removesuffix('View')}Page" if isinstance(params[0], type) else "Page"


JsonObject = dict[str, Any]
