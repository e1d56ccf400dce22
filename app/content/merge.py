"""Merge fields: `{{ first_name | "there" }}` found in what an author wrote, or named as a fault."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain

from app.core.errors import Fault

ATTRIBUTE_PREFIX = "attributes."
UNSUBSCRIBE_URL, PREFERENCES_URL = "unsubscribe_url", "preferences_url"
MASK_START, MASK_REST = "\ufdd0", "\ufdd1"
"""Unicode noncharacters: no text may hold them, no HTML entity may stand for them."""

MAX_FAULTS = 20
"""Faults reported for one part of a message; a person mends those before looking at more."""

MERGE_FIELDS = {
    "first_name": "The recipient's first name.",
    "last_name": "The recipient's last name.",
    "full_name": "First and last name together.",
    "email": "The address the message goes to.",
    "school_name": "The name of your school.",
    UNSUBSCRIBE_URL: "The recipient's own unsubscribe page; not in operational messages.",
    PREFERENCES_URL: "The recipient's own email preferences page.",
}

_OPENING = re.compile(r"\{{2,}")
_ATTRIBUTE = re.compile(r"attributes\.[A-Za-z0-9_-]{1,64}")
_UNSENDABLE = re.compile("[\x00\ud800-\udfff\ufdd0\ufdd1]")


# No possessive group here: in early releases of Python 3.11 one beside a capturing group matches wrongly.
# Nothing can be matched in two ways, so giving back costs no more than the bounds below.
def _compile_grammar(space: str, double: str, single: str) -> re.Pattern[str]:
    def quoted(quote: str) -> str:
        return rf"{quote}((?:(?!{quote}|\{{\{{|\}}\}}).){{0,250}}){quote}"

    fallback = rf"\|{space}(?:{quoted(double)}|{quoted(single)}){space}"
    return re.compile(rf"\{{\{{{space}([^\s{{}}|&<>\"']{{1,100}}+){space}(?:{fallback})?\}}\}}", re.DOTALL)


_IN_TEXT = _compile_grammar(r"\s{0,200}", '"', "'")
# Editors write quotes and hard spaces as entities; the author sees none of that.
_IN_HTML = _compile_grammar(
    r"(?:\s|&nbsp;|&#160;){0,200}", '(?:"|&quot;|&#34;|&#[xX]22;)', "(?:'|&apos;|&#39;|&#[xX]27;)"
)


@dataclass(frozen=True, slots=True)
class Field:
    """A merge field as the author used it: what to read, and what to say where that is missing."""

    name: str
    fallback: str = ""

    def __str__(self) -> str:
        """Give the field in merge syntax."""
        if not self.fallback:
            return f"{{{{ {self.name} }}}}"
        quote = "'" if '"' in self.fallback else '"'
        return f"{{{{ {self.name} | {quote}{self.fallback}{quote} }}}}"


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A merge field and the characters `start:end` of the text that it takes."""

    start: int
    end: int
    field: Field


@dataclass(frozen=True, slots=True)
class Source:
    """One part of a message as the author wrote it, with its merge fields.

    `masked` has the same length, each field replaced by `MASK_START` and `MASK_REST`: fields are filled
    before a mail client reads the markup, so their own quotes and brackets are not markup.
    """

    text: str
    masked: str
    occurrences: tuple[Occurrence, ...]


@dataclass(frozen=True, slots=True)
class MergeField:
    """A field an author can use, for people who choose one from a list."""

    name: str
    syntax: str
    description: str


def list_merge_fields() -> tuple[MergeField, ...]:
    """Describe every merge field an author can use."""
    attribute = MergeField(
        f"{ATTRIBUTE_PREFIX}KEY",
        f"{{{{ {ATTRIBUTE_PREFIX}KEY }}}}",
        "One of the user's own attributes; KEY is its name: letters, digits, `_` and `-`, at most 64.",
    )
    known = (MergeField(name, f"{{{{ {name} }}}}", text) for name, text in MERGE_FIELDS.items())
    return (*known, attribute)


def read_source(text: str, pointer: str, *, is_html: bool) -> tuple[Source, tuple[Fault, ...]]:
    """Find the merge fields of `text`; a fault names each unknown field, stray `{{` and unsendable character.

    `pointer` (RFC 6901) says which part of the request this is. At most `MAX_FAULTS` faults.
    """
    occurrences: list[Occurrence] = []
    faults: list[Fault] = []
    for found in chain(_find_unsendable(text), _find_fields(text, _IN_HTML if is_html else _IN_TEXT)):
        if isinstance(found, Occurrence):
            occurrences.append(found)
        else:
            faults.append(Fault(pointer, f"{found.sentence}: {describe_position(text, found.offset)}."))
        if len(faults) == MAX_FAULTS:
            break
    return Source(text, _mask(text, occurrences), tuple(occurrences)), tuple(faults)


def describe_position(text: str, offset: int) -> str:
    """Say where `offset` is, for a person (line and column from 1) and for a program (offset from 0)."""
    line = text.count("\n", 0, offset) + 1
    column = offset - text.rfind("\n", 0, offset)
    return f"line {line}, column {column} (offset {offset})"


@dataclass(frozen=True, slots=True)
class _Complaint:
    offset: int
    sentence: str


def _find_unsendable(text: str) -> Iterator[_Complaint]:
    for found in _UNSENDABLE.finditer(text):
        yield _Complaint(found.start(), f"No email can carry the character U+{ord(found[0]):04X}")


def _find_fields(text: str, grammar: re.Pattern[str]) -> Iterator[Occurrence | _Complaint]:
    position = 0
    while opening := _OPENING.search(text, position):
        # The last two braces of a run open the field; one before them is the author's own brace.
        start = opening.end() - 2
        written = grammar.match(text, start)
        position = written.end() if written else opening.end()
        if not written or start - opening.start() > 1:
            yield _Complaint(opening.start(), "Stray `{{`, it begins no merge field such as {{ first_name }}")
        elif complaint := _find_complaint(written[1]):
            yield _Complaint(start, complaint)
        else:
            fallback = html.unescape(written[2] or written[3] or "")
            yield Occurrence(start, position, Field(written[1], fallback))


def _find_complaint(name: str) -> str | None:
    if name in MERGE_FIELDS or _ATTRIBUTE.fullmatch(name):
        return None
    close = get_close_matches(name, MERGE_FIELDS, n=1)
    hint = f" (did you mean `{close[0]}`?)" if close else ""
    return f"Unknown merge field `{name}`{hint}"


def _mask(text: str, occurrences: list[Occurrence]) -> str:
    pieces: list[str] = []
    position = 0
    for occurrence in occurrences:
        length = occurrence.end - occurrence.start
        pieces += text[position : occurrence.start], MASK_START, MASK_REST * (length - 1)
        position = occurrence.end
    return "".join((*pieces, text[position:]))
