"""Values that several records of the directory have: what each may be, and how it is told."""

import re
from math import isfinite
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from app.core.schema import Reference, no_nul
from app.directory.addresses import read_address

LARGEST_WHOLE = 2**63 - 1
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def _check_scalar(value: object) -> object:
    if type(value) is str and len(value) <= 10_000 and value.isascii() and "\x00" not in value:
        return value  # nearly all of them
    match value:
        case str() if len(value) > 10_000 or _UNSTORABLE.search(value):
            raise ValueError("must be at most 10000 characters, none of them NUL or a lone surrogate")
        case bool() | str() | None:
            return value
        case int() if abs(value) <= LARGEST_WHOLE:
            return value
        case float() if isfinite(value):
            return value
    raise ValueError("must be text, a boolean, null, or a number that fits 64 bits")


Scalar = Annotated[str | bool | int | float | None, BeforeValidator(_check_scalar)]
AttributeKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


def _is_address(value: str) -> str:
    return read_address(value).typed


Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=320),
    AfterValidator(no_nul),
    AfterValidator(_is_address),
]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255), AfterValidator(no_nul)]
Locale = Annotated[str, StringConstraints(max_length=35), AfterValidator(no_nul)]


UserReference = Annotated[Reference, Field(description="The user's external id.")]
CourseReference = Annotated[Reference, Field(description="The course's external id.")]
CategoryReference = Annotated[Reference | None, Field(description="The category's external id.")]
TrainerReference = Annotated[Reference | None, Field(description="The trainer's external id.")]
