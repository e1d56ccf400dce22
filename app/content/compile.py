"""An author's message compiled once for a campaign: checked, tracked, framed, and made into templates."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from app.content.compiled import CompiledMessage, Link
from app.content.frame import (
    Frame,
    build_click_url,
    build_footer,
    build_pixel,
    build_preheader,
    build_text_footer,
)
from app.content.merge import UNSUBSCRIBE_URL, Source, describe_position, read_source
from app.content.places import Place
from app.content.rewrite import (
    Destination,
    Document,
    Edit,
    find_body,
    find_destinations,
    read_document,
    shows_unsubscribe,
    splice,
)
from app.content.template import Part, Slot, TemplateWriter, split_source
from app.content.text import make_text, split_text
from app.core.errors import Fault, InvalidInput

MAX_SUBJECT_CHARACTERS = 250
MAX_COMPILED_BYTES = 400 * 1024
MAX_LINKS = 500

_ENCODED_WORD = re.compile(r"=\?[^\s?]+\?[bq]\?", re.IGNORECASE)  # RFC 2047 section 2
_CONTROL = re.compile(r"[\x00-\x08\n-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as its author wrote it; `text` is made from the HTML when it is None."""

    message_type: Literal["operational", "marketing", "newsletter"]
    subject: str
    html: str
    text: str | None
    preheader: str | None
    track_opens: bool
    track_clicks: bool


@dataclass(frozen=True, slots=True)
class _Sources:
    subject: Source
    html: Source
    text: Source | None
    preheader: Source | None

    def by_pointer(self) -> Iterator[tuple[str, Source]]:
        yield "/subject", self.subject
        yield "/html", self.html
        if self.text:
            yield "/text", self.text
        if self.preheader:
            yield "/preheader", self.preheader


def compile_message(draft: Draft, frame: Frame) -> CompiledMessage:
    """Compile a draft into templates for SES, its tracked links and the variables they need.

    Raises InvalidInput with a fault for each unknown merge field, stray `{{` (with its position) and limit
    passed. Linear in the size of the draft.
    """
    sources = _read_draft(draft)
    document = read_document(sources.html)
    destinations = tuple(find_destinations(document)) if draft.track_clicks else ()
    if len(destinations) > MAX_LINKS:
        raise _refuse([Fault("/html", f"{len(destinations)} links; at most {MAX_LINKS} are allowed.")])
    writer = TemplateWriter()
    compiled = CompiledMessage(
        subject=writer.write(split_source(sources.subject, lambda _: Place.SUBJECT)),
        html=writer.write(splice(document, _edit(draft, frame, sources, document, destinations))),
        text=writer.write(_compose_text(draft, frame, sources, document)),
        links=tuple(Link(number, each.parts) for number, each in enumerate(destinations, start=1)),
        variables=writer.variables,
    )
    size = len(compiled.html.encode()) + len(compiled.text.encode())
    if size > MAX_COMPILED_BYTES:
        limit = f"{MAX_COMPILED_BYTES // 1024} KB"
        raise _refuse(
            [Fault("/html", f"HTML and text are {-(-size // 1024)} KB compiled; the limit is {limit}.")]
        )
    return compiled


def _edit(
    draft: Draft, frame: Frame, sources: _Sources, document: Document, destinations: Iterable[Destination]
) -> Iterator[Edit]:
    begin, end = find_body(document)
    if sources.preheader:
        yield Edit(begin, begin, build_preheader(split_source(sources.preheader, lambda _: Place.HTML)))
    for number, destination in enumerate(destinations, start=1):
        yield Edit(destination.start, destination.end, build_click_url(frame, number))
    if draft.message_type != "operational":
        yield Edit(end, end, build_footer(frame, has_button=not shows_unsubscribe(document)))
    if draft.track_opens:
        yield Edit(end, end, build_pixel(frame))


def _compose_text(draft: Draft, frame: Frame, sources: _Sources, document: Document) -> tuple[Part, ...]:
    text = tuple(split_text(sources.text) if sources.text else make_text(document))
    if draft.message_type == "operational":
        return text
    has_own_link = any(isinstance(part, Slot) and part.field.name == UNSUBSCRIBE_URL for part in text)
    return (*text, *build_text_footer(frame, has_link=not has_own_link))


def _read_draft(draft: Draft) -> _Sources:
    subject, subject_faults = read_source(draft.subject, "/subject", is_html=False)
    html, html_faults = read_source(draft.html, "/html", is_html=True)
    text, text_faults = _read_optional(draft.text, "/text")
    preheader, preheader_faults = _read_optional(draft.preheader, "/preheader")
    sources = _Sources(subject, html, text, preheader)
    faults = [
        *_check_limits(draft),
        *_check_encoded_words(subject),
        *subject_faults,
        *preheader_faults,
        *html_faults,
        *text_faults,
        *(_check_unsubscribe(sources) if draft.message_type == "operational" else ()),
    ]
    if faults:
        raise _refuse(faults)
    return sources


def _read_optional(text: str | None, pointer: str) -> tuple[Source | None, tuple[Fault, ...]]:
    return read_source(text, pointer, is_html=False) if text and not text.isspace() else (None, ())


def _check_limits(draft: Draft) -> Iterator[Fault]:
    if not draft.subject.strip():
        yield Fault("/subject", "The subject is empty.")
    if len(draft.subject) > MAX_SUBJECT_CHARACTERS:
        length = f"{len(draft.subject)} characters"
        yield Fault("/subject", f"The subject has {length}; at most {MAX_SUBJECT_CHARACTERS} are allowed.")
    if found := _CONTROL.search(draft.subject):
        position = describe_position(draft.subject, found.start())
        yield Fault("/subject", f"Line break or control character in the subject: {position}.")
    if not draft.html.strip():
        yield Fault("/html", "The HTML is empty.")


def _check_encoded_words(subject: Source) -> Iterator[Fault]:
    """Refuse what mail programs would decode, so that a subject says what the author sees in it."""
    if found := _ENCODED_WORD.search(subject.masked):
        position = describe_position(subject.text, found.start())
        yield Fault("/subject", f"Encoded text (`=?…?=`) in the subject, write it plainly: {position}.")


def _check_unsubscribe(sources: _Sources) -> Iterator[Fault]:
    for pointer, source in sources.by_pointer():
        own = (each for each in source.occurrences if each.field.name == UNSUBSCRIBE_URL)
        if occurrence := next(own, None):
            position = describe_position(source.text, occurrence.start)
            yield Fault(pointer, f"Operational messages have no `{UNSUBSCRIBE_URL}`: {position}.")


def _refuse(faults: list[Fault]) -> InvalidInput:
    return InvalidInput("The message cannot be sent as it is.", errors=faults)
