"""Reading fields of a provider's JSON: what is odd is MalformedEvent, never another exception."""

import json
from collections.abc import Mapping
from typing import Any

import orjson


class MalformedEvent(ValueError):
    """The event cannot be read; the reason names a field and its fault, never a value."""

    def __init__(self, field: str, fault: str) -> None:
        """Say what is wrong with which field."""
        super().__init__(f"{field} {fault}")


def decode_message(message: str) -> Mapping[str, Any] | None:
    """Return the event inside an SNS message, or None where the message is plain text.

    SES says "Successfully validated SNS topic…" in plain text. NUL and lone surrogates, which no database
    holds, become replacement characters: a cut header must not cost a bounce. Raise MalformedEvent for
    JSON that cannot be read.
    """
    text = message.strip()
    if not text.startswith("{"):
        return None
    text = text.replace("\\u0000", "\\ufffd")
    try:
        event: dict[str, Any] = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _decode_surrogates(text)
    return event


def _decode_surrogates(text: str) -> dict[str, Any]:
    """Decode JSON that strict parsers refuse for `\\ud800` alone, replacing it."""
    try:
        repaired = json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace")
        event: dict[str, Any] = orjson.loads(repaired)
    except (ValueError, RecursionError) as error:
        raise MalformedEvent("the message", "is not JSON") from error
    return event


def read_object(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the object of this name, empty where it is absent."""
    value = source.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise MalformedEvent(name, "is not an object")
    return value


def read_list(source: Mapping[str, Any], name: str) -> list[Any]:
    """Return the list of this name, empty where it is absent."""
    value = source.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise MalformedEvent(name, "is not a list")
    return value


def read_text(source: Mapping[str, Any], name: str, *, limit: int = 65_536) -> str:
    """Return the text of this name, empty where it is absent; `limit` is in characters."""
    value = source.get(name)
    return "" if value is None else check_text(value, name, limit)


def check_text(value: Any, name: str, limit: int) -> str:
    """Return the value if it is text that a database can hold, no longer than the limit."""
    if not isinstance(value, str):
        raise MalformedEvent(name, "is not text")
    if len(value) > limit:
        raise MalformedEvent(name, "is too long")
    if "\0" in value or not _is_unicode(value):
        raise MalformedEvent(name, "holds characters that cannot be kept")
    return value


def _is_unicode(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
