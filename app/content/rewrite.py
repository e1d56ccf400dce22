"""The author's HTML with links, pixel, preheader and footer spliced in; every other byte stays as written."""

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from app.content.markup import (
    COMMENT,
    DOCTYPE,
    RAW_TEXT,
    Token,
    Value,
    read_attributes,
    tokenize,
)
from app.content.merge import MASK_START, PREFERENCES_URL, UNSUBSCRIBE_URL, Occurrence, Source
from app.content.places import Place
from app.content.template import Part, Slot, split_source

_URL_ATTRIBUTES = frozenset({"href", "src", "background", "action"})
_OWN_PAGES = frozenset({UNSUBSCRIBE_URL, PREFERENCES_URL})
_PROLOGUE = frozenset({(DOCTYPE, False), ("html", False), ("head", True)})
_HTTP = re.compile(r"https?://.", re.IGNORECASE)
_IGNORED_IN_URLS = str.maketrans("", "", "\t\n\r")
_AROUND_URLS = "".join(map(chr, range(0x21)))


@dataclass(frozen=True, slots=True)
class Destination:
    """The value of a link's `href` at `start:end` of the HTML: template parts, entities decoded once."""

    start: int
    end: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """Parts to put in the place of `start:end`; an insertion where the two are equal."""

    start: int
    end: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """The author's HTML with what was found in it."""

    source: Source
    tokens: tuple[Token, ...]
    places: Mapping[int, Place]
    """Where each field inside a tag stands, by its offset; any other stands in HTML text."""

    def place_of(self, occurrence: Occurrence) -> Place:
        """Tell where a field stands."""
        return self.places.get(occurrence.start, Place.HTML)


def read_document(source: Source) -> Document:
    """Read HTML; takes linear time and never fails, however broken the HTML."""
    tokens = tokenize(source.masked)
    return Document(source, tokens, dict(_find_places(source.masked, tokens)))


def find_destinations(document: Document) -> Iterator[Destination]:
    """Find every http(s) link a mail client would follow, in order, but unsubscribe and preference links.

    Links are `href` of `<a>`, `<area>` and VML, also in conditional comments, unless `data-track="off"`.
    """
    source = document.source
    for tag in document.tokens:
        if tag.is_closing or not (tag.name in {"a", "area"} or tag.name.startswith("v:")):
            continue
        attributes = read_attributes(source.masked, tag)
        href, track = attributes.get("href"), attributes.get("data-track")
        if href is None or (track and source.text[track.start : track.end].lower() == "off"):
            continue
        if _HTTP.match(read_url(source.masked[href.start : href.end])):
            parts = _read_destination(source, href)
            if not any(isinstance(part, Slot) and part.field.name in _OWN_PAGES for part in parts):
                yield Destination(href.start, href.end, parts)


def find_body(document: Document) -> tuple[int, int]:
    """Find where the visible content begins and ends: offsets after `<body>` and before `</body>`.

    Without these tags: after the doctype, `<html>` and head, and the end of the document.
    """
    tags = [token for token in document.tokens if not token.in_comment]
    ends = [tag.start for tag in tags if tag.name == "body" and tag.is_closing]
    end = ends[-1] if ends else len(document.source.text)
    bodies = (tag.end for tag in tags if tag.name == "body" and not tag.is_closing)
    prologue = (tag.end for tag in tags if (tag.name, tag.is_closing) in _PROLOGUE)
    begin = next(bodies, None) or max(prologue, default=0)
    return min(begin, end), end


def shows_unsubscribe(document: Document) -> bool:
    """Tell whether every recipient sees the author's own `{{ unsubscribe_url }}`: no comment, no raw text."""
    unseen = {
        offset
        for token in document.tokens
        if token.name in {COMMENT, RAW_TEXT}
        for offset in _find_masks(document.source.masked, token.start, token.end)
    }
    return any(
        occurrence.field.name == UNSUBSCRIBE_URL
        and document.places.get(occurrence.start) not in {Place.HTML, Place.UNQUOTED}
        and occurrence.start not in unseen
        for occurrence in document.source.occurrences
    )


def splice(document: Document, edits: Iterable[Edit]) -> Iterator[Part]:
    """Give the whole document as template parts, with `edits` (which may not overlap) made."""
    position = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        yield from split_source(document.source, document.place_of, start=position, end=edit.start)
        yield from edit.parts
        position = edit.end
    yield from split_source(document.source, document.place_of, start=position)


def read_url(value: str) -> str:
    """Read an attribute's value as a URL: entities decoded once, white space dropped as browsers do.

    Source: https://url.spec.whatwg.org/#concept-basic-url-parser, steps 1 and 3.
    """
    return _read_url_piece(value).strip(_AROUND_URLS)


def _read_url_piece(value: str) -> str:
    return html.unescape(value).translate(_IGNORED_IN_URLS)


def _read_destination(source: Source, href: Value) -> tuple[Part, ...]:
    first, *rest = split_source(
        source, lambda occurrence: Place.LINK, start=href.start, end=href.end, read_literal=_read_url_piece
    )
    parts = [str(first).lstrip(_AROUND_URLS), *rest]
    parts[-1] = str(parts[-1]).rstrip(_AROUND_URLS)
    return tuple(part for part in parts if part)


def _find_places(masked: str, tokens: Iterable[Token]) -> Iterator[tuple[int, Place]]:
    for tag in tokens:
        if tag.name[0] in "#!" or masked.find(MASK_START, tag.start, tag.end) < 0:
            continue
        yield from ((offset, Place.UNQUOTED) for offset in _find_masks(masked, tag.start, tag.end))
        for name, value in read_attributes(masked, tag).items():
            for offset in _find_masks(masked, value.start, value.end):
                yield offset, _choose_place(name, value, offset)


def _find_masks(masked: str, start: int, end: int) -> Iterator[int]:
    while (start := masked.find(MASK_START, start, end)) >= 0:
        yield start
        start += 1


def _choose_place(attribute: str, value: Value, offset: int) -> Place:
    if attribute in _URL_ATTRIBUTES:
        return Place.URL if offset == value.start else Place.LINK
    return Place.HTML if value.is_quoted else Place.UNQUOTED
