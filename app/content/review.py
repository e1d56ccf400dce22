"""Second thoughts about a message that could be sent as it is: what its author may want to mend first."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.content.compile import Draft
from app.content.compiled import CompiledMessage
from app.content.markup import read_attributes
from app.content.merge import PREFERENCES_URL, UNSUBSCRIBE_URL, read_source
from app.content.places import Place
from app.content.rewrite import Document, read_document, shows_unsubscribe
from app.content.template import Slot

GMAIL_CLIPS_BYTES = 102_400
LONG_SUBJECT_CHARACTERS = 70

_NAMES = frozenset({"first_name", "last_name", "full_name"})
_REMOVED_BY_CLIENTS = frozenset({"script", "form", "iframe", "object", "embed", "video", "audio"})


@dataclass(frozen=True, slots=True)
class ContentWarning:
    """Something an author may want to change: a stable `code`, and a sentence for a person."""

    code: str
    detail: str


def find_warnings(draft: Draft, compiled: CompiledMessage) -> list[ContentWarning]:
    """Find what makes a valid message worse than it could be; none of it keeps it from being sent."""
    source, _ = read_source(draft.html, "/html", is_html=True)
    document = read_document(source)
    return [
        *_review_size(compiled),
        *_review_unsubscribe(draft, document),
        *_review_images(document),
        *_review_tags(document),
        *_review_links(draft, document, compiled),
        *_review_inbox_line(draft),
        *_review_fallbacks(compiled),
    ]


def _review_size(compiled: CompiledMessage) -> Iterator[ContentWarning]:
    size = len(compiled.html.encode())
    if size > GMAIL_CLIPS_BYTES:
        detail = f"The HTML is {size // 1024} KB; Gmail clips what is over 100 KB, footer and pixel included."
        yield ContentWarning("html_clipped", detail)


def _review_unsubscribe(draft: Draft, document: Document) -> Iterator[ContentWarning]:
    if draft.message_type != "operational" and not shows_unsubscribe(document):
        detail = "The HTML has no {{ unsubscribe_url }}; an unsubscribe button is added to the footer."
        yield ContentWarning("no_unsubscribe_text", detail)


def _review_images(document: Document) -> Iterator[ContentWarning]:
    masked = document.source.masked
    images = (tag for tag in document.tokens if tag.name == "img" and not tag.is_closing)
    if count := sum("alt" not in read_attributes(masked, image) for image in images):
        detail = f"Images without alt: {count}. Screen readers, and readers who block images, get nothing."
        yield ContentWarning("missing_alt", detail)


def _review_tags(document: Document) -> Iterator[ContentWarning]:
    for name in sorted({tag.name for tag in document.tokens} & _REMOVED_BY_CLIENTS):
        yield ContentWarning("removed_tag", f"Most mail clients remove <{name}>.")


def _review_links(draft: Draft, document: Document, compiled: CompiledMessage) -> Iterator[ContentWarning]:
    for link in compiled.links:
        if link.destination.lower().startswith("http://"):
            yield ContentWarning("insecure_link", f"Link {link.number} is not https: {link.destination}")
    if not draft.track_clicks:
        return
    for occurrence in document.source.occurrences:
        is_own_page = occurrence.field.name in {UNSUBSCRIBE_URL, PREFERENCES_URL}
        if document.place_of(occurrence) is Place.URL and not is_own_page:
            detail = f"An address that begins with {occurrence.field} is used as it is, without tracking."
            yield ContentWarning("untracked_address", detail)


def _review_inbox_line(draft: Draft) -> Iterator[ContentWarning]:
    if len(draft.subject) > LONG_SUBJECT_CHARACTERS:
        detail = f"Most inboxes cut a subject after {LONG_SUBJECT_CHARACTERS} characters or before."
        yield ContentWarning("long_subject", detail)
    if not (draft.preheader and draft.preheader.strip()):
        detail = "Without a preheader, inboxes show the first words of the body after the subject."
        yield ContentWarning("no_preheader", detail)


def _review_fallbacks(compiled: CompiledMessage) -> Iterator[ContentWarning]:
    fields = {each.slot.field for each in compiled.variables if isinstance(each.slot, Slot)}
    for name in sorted(field.name for field in fields if field.name in _NAMES and not field.fallback):
        detail = f'{{{{ {name} }}}} has no fallback for users without one: {{{{ {name} | "there" }}}} has.'
        yield ContentWarning("no_fallback", detail)
