"""The one a message goes to: what is known of them, and how each merge field reads it."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isfinite
from typing import NamedTuple

from app.content.merge import ATTRIBUTE_PREFIX, PREFERENCES_URL, UNSUBSCRIBE_URL

Scalar = str | int | float | bool | None

CLICK_TOKEN, OPEN_TOKEN = "click_token", "open_token"
"""Read like fields by the links and the pixel; no author can write them."""


class Person(NamedTuple):
    """What merge fields can say of one recipient."""

    first_name: str
    last_name: str
    email: str
    school_name: str
    attributes: Mapping[str, Scalar]

    @property
    def full_name(self) -> str:
        """First and last name, whichever are known."""
        return f"{self.first_name} {self.last_name}".strip()


class RecipientUrls(NamedTuple):
    """One recipient's own tokens (base64url, for pixel and links) and pages (complete URLs)."""

    open_url_token: str
    click_token: str
    unsubscribe_url: str
    preferences_url: str


Reader = Callable[[Person, RecipientUrls], str]

_PERSON_READERS: dict[str, Reader] = {
    "first_name": lambda person, urls: person.first_name,
    "last_name": lambda person, urls: person.last_name,
    "full_name": lambda person, urls: person.full_name,
    "email": lambda person, urls: person.email,
    "school_name": lambda person, urls: person.school_name,
}
_URL_READERS: dict[str, Reader] = {
    UNSUBSCRIBE_URL: lambda person, urls: urls.unsubscribe_url,
    PREFERENCES_URL: lambda person, urls: urls.preferences_url,
    CLICK_TOKEN: lambda person, urls: urls.click_token,
    OPEN_TOKEN: lambda person, urls: urls.open_url_token,
}


def reader_of(name: str) -> Reader:
    """Give the function that reads the field `name`; a missing or blank value reads as empty."""
    if name.startswith(ATTRIBUTE_PREFIX):
        key = name.removeprefix(ATTRIBUTE_PREFIX)
        return lambda person, urls: write_scalar(person.attributes.get(key))
    return _PERSON_READERS.get(name) or _URL_READERS[name]


def is_personal(name: str) -> bool:
    """Tell whether the field `name` is read of a `Person`, not of their URLs."""
    return name not in _URL_READERS


def write_scalar(value: Scalar) -> str:
    """Write an attribute as JSON does, but text without quotes, null as nothing, no exponent and no `.0`."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isfinite(value):
        return ""
    return format(Decimal(repr(value)), "f").removesuffix(".0")
