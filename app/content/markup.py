"""HTML read as mail clients read it, in one linear pass that only notes where things are.

Follows the WHATWG tokenizer (https://html.spec.whatwg.org/multipage/parsing.html#tokenization) as far as
tags, attributes, comments and raw text go, and looks into Outlook's conditional comments.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

COMMENT, RAW_TEXT, BROKEN, DOCTYPE = "#comment", "#raw", "#broken", "!doctype"
"""Names of the tokens that are not tags: they begin with a character no tag name begins with."""

_SPACE = r" \t\n\r\f"
_SPACES = " \t\n\r\f"
_VALUE = rf"""(?:"(?P<double>[^"]*+)"|'(?P<single>[^']*+)'|(?P<bare>[^{_SPACE}>"'][^{_SPACE}>]*+)|(?=>))"""
# Possessive throughout: each character is read once, whatever the author wrote. A name whose value has no
# closing quote matches nothing, for such a tag never ends.
_ATTRIBUTE_TEXT = (
    rf"(?P<name>[^{_SPACE}/>][^{_SPACE}/>=]*+)(?:[{_SPACE}]*+=[{_SPACE}]*+{_VALUE}|(?![{_SPACE}]*+=))"
)
_ATTRIBUTE = re.compile(_ATTRIBUTE_TEXT)
_TAG_TEXT = (
    rf"<(/?)([a-zA-Z][^{_SPACE}/>]*+)(?:[{_SPACE}/]++|{re.sub(r'[?]P<[a-z]+>', '?:', _ATTRIBUTE_TEXT)})*+>"
)
_TOKEN = re.compile(rf"{_TAG_TEXT}|<(?:!--|[!?]|/?[a-zA-Z]|/)")
_COMMENT_END = re.compile(r"--!?>")
_CONDITION = re.compile(r"<!--\s*+\[if[^\]>]*+\]>", re.IGNORECASE)
_RAW_TEXT_END = {
    name: re.compile(rf"</{name}(?=[{_SPACE}/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes")
}


class Token(NamedTuple):
    """A tag, or what is neither tag nor text, at `start:end`; `name` is in lower case."""

    name: str
    is_closing: bool
    start: int
    end: int
    in_comment: bool
    """Inside a conditional comment, which only Outlook reads."""


class Value(NamedTuple):
    """An attribute's value at `start:end`, white space around it left out."""

    start: int
    end: int
    is_quoted: bool


def tokenize(masked: str) -> tuple[Token, ...]:
    """Find the tokens of a document; text is what lies between them."""
    return tuple(_tokenize_region(masked, 0, len(masked), in_comment=False))


def read_attributes(masked: str, tag: Token) -> dict[str, Value]:
    """Give the attributes of a tag by name in lower case; of several of one name the first counts."""
    attributes: dict[str, Value] = {}
    for found in _ATTRIBUTE.finditer(masked, tag.start + 1 + len(tag.name), tag.end):
        kind = found.lastgroup
        start, end = (found.end(), found.end()) if kind == "name" else found.span(kind or 0)
        while start < end and masked[start] in _SPACES:
            start += 1
        while start < end and masked[end - 1] in _SPACES:
            end -= 1
        attributes.setdefault(found["name"].lower(), Value(start, end, kind != "bare"))
    return attributes


def _tokenize_region(masked: str, position: int, end: int, *, in_comment: bool) -> Iterator[Token]:
    while found := _TOKEN.search(masked, position, end):
        start = found.start()
        if name := found[2]:
            position = found.end()
            yield (tag := Token(name.lower(), bool(found[1]), start, position, in_comment))
            if tag.name in _RAW_TEXT_END and not tag.is_closing:
                closing = _RAW_TEXT_END[tag.name].search(masked, position, end)
                position = closing.start() if closing else end
                yield Token(RAW_TEXT, False, tag.end, position, in_comment)
        elif found[0] == "<!--" and in_comment:
            # The region ends where the first comment does: none inside it has an end of its own.
            condition = _CONDITION.match(masked, start, end)
            position = condition.end() if condition else end
            yield Token(COMMENT, False, start, position, True)
        elif found[0] == "<!--":
            closing = _COMMENT_END.search(masked, start + 2)
            position = closing.end() if closing else end
            yield Token(COMMENT, False, start, position, False)
            if condition := _CONDITION.match(masked, start, position):
                inner_end = closing.start() if closing else end
                yield from _tokenize_region(masked, condition.end(), inner_end, in_comment=True)
        else:
            position = _find_end_of_broken(masked, found, end)
            is_doctype = masked[start + 1 : start + 9].lower() == DOCTYPE
            yield Token(DOCTYPE if is_doctype else BROKEN, False, start, position, in_comment)


def _find_end_of_broken(masked: str, found: re.Match[str], end: int) -> int:
    if found[0][-1].isalpha():
        return end
    closing = masked.find(">", found.end(), end)
    return end if closing < 0 else closing + 1
