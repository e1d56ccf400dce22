"""The places of an email a value can land in, and how it is written there: never as markup, never as code."""

import re
from collections.abc import Callable
from enum import StrEnum
from urllib.parse import quote

_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
"""What RFC 3986 lets stand in a URL besides letters and digits (`-._` are always kept by `quote`)."""

_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.-]++(?::[0-9]++)?[A-Za-z0-9/._~?=-]*+")
_PLAIN_HTML = re.compile(r"[A-Za-z0-9 .,:;!?/@()*+_~-]*+")
"""What is the same in HTML: most values are names, tokens and addresses, and this is the fastest to tell."""
_SCHEME = re.compile(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):")
_SAFE_SCHEMES = frozenset({"http", "https", "mailto", "tel", "sms"})

_ENCODED_WORD_ENDS = re.compile(r"=(?=\?)|\?(?==)")
_SURROGATES = range(0xD800, 0xE000)
_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_TAB_AND_LINE_ENDS = frozenset(b"\t\n\r")

_TEXT_TABLE = dict.fromkeys((*_CONTROLS, 0x2028, 0x2029, *_SURROGATES)) | {0x09: " "}
_HTML_TABLE: dict[int, str | None] = {
    **{code: None for code in (*_CONTROLS, *_SURROGATES) if code not in _TAB_AND_LINE_ENDS},
    **{ord(character): f"&#{ord(character)};" for character in "\"'"},
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
}
_UNQUOTED_TABLE = _HTML_TABLE | {ord(character): f"&#{ord(character)};" for character in " \t\n\r=`"}


class Place(StrEnum):
    """Where a value lands, which decides how it is escaped."""

    TEXT = "text"
    """Plain text: as it is, without line breaks and control characters."""
    SUBJECT = "subject"
    """The subject: as text, and no encoded word (RFC 2047), which mail programs would decode to anything."""
    HTML = "html"
    """HTML text and quoted attribute values: escaped."""
    UNQUOTED = "unquoted"
    """HTML attribute values without quotes: escaped, spaces too."""
    LINK = "link"
    """A part of a URL: percent-encoded (RFC 3986 §2.1), reserved characters too."""
    URL = "url"
    """The beginning of a URL in HTML: kept as a URL, unless a mail client might run it."""


def encode_text(value: str) -> str:
    """Drop line breaks and control characters: one value can never become two headers or lines."""
    return value if value.isprintable() else value.translate(_TEXT_TABLE)


def encode_subject(value: str) -> str:
    """Write as for text, with a space in the ends of what could be an encoded word (`=?utf-8?q?…?=`)."""
    text = encode_text(value)
    return _ENCODED_WORD_ENDS.sub(r"\g<0> ", text) if "?" in text else text


def encode_html(value: str) -> str:
    """Escape for HTML text and for attribute values in either kind of quotes."""
    return value if _PLAIN_HTML.fullmatch(value) else value.translate(_HTML_TABLE)


def encode_unquoted(value: str) -> str:
    """Escape for an attribute value without quotes, which a space would end."""
    return value if value.isalnum() else value.translate(_UNQUOTED_TABLE)


def encode_link(value: str) -> str:
    """Percent-encode everything but RFC 3986's unreserved characters."""
    if value.isascii() and value.isalnum():
        return value
    return quote(value, safe="", errors="replace")


def encode_url(value: str) -> str:
    """Write a whole URL into HTML; one with a scheme that is not for links (`javascript:`) becomes empty."""
    if _PLAIN_URL.fullmatch(value):
        return value
    scheme = _SCHEME.match(value)
    if scheme and scheme[1].lower() not in _SAFE_SCHEMES:
        return ""
    return encode_html(normalise_url(value.strip()))


def normalise_url(url: str) -> str:
    """Percent-encode what may not stand in a URL (spaces, quotes, letters beyond ASCII); the rest is kept."""
    return quote(url, safe=_URL_CHARACTERS, errors="replace")


ENCODERS: dict[Place, Callable[[str], str]] = {
    Place.TEXT: encode_text,
    Place.SUBJECT: encode_subject,
    Place.HTML: encode_html,
    Place.UNQUOTED: encode_unquoted,
    Place.LINK: encode_link,
    Place.URL: encode_url,
}
