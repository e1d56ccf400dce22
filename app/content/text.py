"""Plain text: the author's own, or made from the HTML for readers and mail clients that show no HTML."""

import html
import re
from collections.abc import Iterator
from itertools import groupby

from app.content.markup import Token, read_attributes
from app.content.merge import MASK_REST, MASK_START, Occurrence, Source
from app.content.places import Place
from app.content.rewrite import Document, read_url
from app.content.template import Part, Slot, split_source

_URL = re.compile(r"https?://[^\s<>\"]++", re.IGNORECASE)
_FIELD = re.compile(f"{MASK_START}{MASK_REST}*+")
_MARKER = re.compile(f"{MASK_START}(\\d+){MASK_REST}")
_SPACES = re.compile(r"\s+")
_HIDING = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_SHOWN_SCHEMES = ("http://", "https://", MASK_START)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)

_LINE_BREAKS = dict.fromkeys(("br", "tr", "div", "section", "article", "header", "footer", "dt", "dd"), "\n")
_BLANK_LINES = dict.fromkeys(
    ("p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "pre", "hr", "center"),
    "\n\n",
)
_BREAKS = _LINE_BREAKS | _BLANK_LINES | {"td": " ", "th": " "}


def split_text(source: Source) -> Iterator[Part]:
    """Split the author's plain text: values stand as they are, but percent-encoded inside a URL."""
    in_urls = {
        field.start()
        for url in _URL.finditer(source.masked)
        for field in _FIELD.finditer(source.masked, url.start(), url.end())
    }

    def place_of(occurrence: Occurrence) -> Place:
        return Place.LINK if occurrence.start in in_urls else Place.TEXT

    return split_source(source, place_of)


def make_text(document: Document) -> Iterator[Part]:
    """Make plain text from HTML: paragraphs, lists, `Label (https://…)`; what is hidden is left out."""
    maker = _TextMaker(document)
    position = 0
    for token in document.tokens:
        if token.in_comment:
            continue
        maker.add_text(position, token.start)
        maker.add_token(token)
        position = token.end
    maker.add_text(position, len(document.source.text))
    occurrences = document.source.occurrences
    for index, piece in enumerate(_MARKER.split(maker.finish())):
        if index % 2 == 0:
            yield piece
        else:
            occurrence = occurrences[int(piece)]
            in_link = document.place_of(occurrence) is Place.LINK
            yield Slot(occurrence.field, Place.LINK if in_link else Place.TEXT)


class _TextMaker:
    """Gathers text; each merge field becomes a marker with its index, until the text stands."""

    def __init__(self, document: Document) -> None:
        self._masked = document.source.masked
        self._indexes = {each.start: index for index, each in enumerate(document.source.occurrences)}
        self._pieces: list[str] = []
        self._hidden_in: str | None = None
        self._hidden_depth = 0
        self._link: tuple[int, str] | None = None
        self._counters: list[int | None] = []

    def add_text(self, start: int, end: int) -> None:
        if self._hidden_in is None and start < end:
            # Only breaks that elements make are line ends; `finish` joins the author's own white space.
            self._pieces.append(html.unescape(self._mark_fields(start, end)).replace("\n", " "))

    def add_token(self, token: Token) -> None:
        if not token.name[0].isalpha():
            return
        if self._hidden_in is not None:
            self._follow_hidden(token)
        elif token.is_closing:
            self._close(token)
        elif _hides(self._masked, token):
            self._hidden_in, self._hidden_depth = (None, 0) if token.name in _VOID else (token.name, 1)
        else:
            self._open(token)

    def finish(self) -> str:
        self._end_link()
        lines = (" ".join(line.split()) for line in "".join(self._pieces).split("\n"))
        paragraphs = groupby(lines, key=bool)
        return "\n\n".join("\n".join(run) for is_text, run in paragraphs if is_text)

    def _mark_fields(self, start: int, end: int) -> str:
        text = self._masked[start:end]
        if MASK_START not in text:
            return text
        return _FIELD.sub(
            lambda field: f"{MASK_START}{self._indexes[start + field.start()]}{MASK_REST}", text
        )

    def _follow_hidden(self, token: Token) -> None:
        if token.name == self._hidden_in:
            self._hidden_depth += -1 if token.is_closing else 1
            if self._hidden_depth == 0:
                self._hidden_in = None

    def _open(self, tag: Token) -> None:
        self._pieces.append(_BREAKS.get(tag.name, ""))
        if tag.name == "a":
            self._end_link()
            if url := self._read_attribute(tag, "href"):
                self._link = (len(self._pieces), url)
        elif tag.name == "img":
            self._pieces.append(self._read_attribute(tag, "alt"))
        elif tag.name in {"ol", "ul"}:
            self._counters.append(0 if tag.name == "ol" else None)
        elif tag.name == "li":
            self._pieces.append(f"\n{self._next_bullet()} ")

    def _close(self, tag: Token) -> None:
        if tag.name == "a":
            self._end_link()
        elif tag.name in {"ol", "ul"} and self._counters:
            self._counters.pop()
        self._pieces.append(_BREAKS.get(tag.name, ""))

    def _read_attribute(self, tag: Token, name: str) -> str:
        value = read_attributes(self._masked, tag).get(name)
        return read_url(self._mark_fields(value.start, value.end)) if value else ""

    def _next_bullet(self) -> str:
        if not self._counters or self._counters[-1] is None:
            return "-"
        self._counters[-1] += 1
        return f"{self._counters[-1]}."

    def _end_link(self) -> None:
        if self._link is None:
            return
        start, url = self._link
        self._link = None
        if not url.lower().startswith(_SHOWN_SCHEMES):
            return
        label = "".join(self._pieces[start:])
        shown = label.rstrip()
        url = _SPACES.sub("%20", url)
        if shown.strip() == "":
            self._pieces[start:] = [url, label]
        elif shown.strip() != url:
            self._pieces[start:] = [f"{shown} ({url})", label[len(shown) :]]


def _hides(masked: str, tag: Token) -> bool:
    # Most tags have no such word in them; only the rest are worth reading.
    if masked.find("none", tag.start, tag.end) < 0 and masked.find("hidden", tag.start, tag.end) < 0:
        return False
    attributes = read_attributes(masked, tag)
    style = attributes.get("style")
    return "hidden" in attributes or bool(style and _HIDING.search(masked, style.start, style.end))
