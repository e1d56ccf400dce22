"""Templates as SES fills them: parts with `{{v1}}` for slots, where no literal can become template code."""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from app.content.merge import Field, Occurrence, Source
from app.content.places import Place


@dataclass(frozen=True, slots=True)
class Slot:
    """A merge field in the place where its value lands."""

    field: Field
    place: Place


Part = str | Slot
"""A template is a sequence of literal text and slots."""


@dataclass(frozen=True, slots=True)
class Variable:
    """What SES must be given as `name`: a value for `slot`, or `slot` itself where it is constant text."""

    name: str
    slot: Part


_OPENING_BRACES = re.compile(r"(\{{2,})")
_OPENERS = "{" + "\\"


class TemplateWriter:
    """Writes the templates of one message, which share their variables: one for each distinct slot."""

    def __init__(self) -> None:
        """Start without variables."""
        self._names: dict[Part, str] = {}

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Every variable the written templates name, in the order of first use."""
        return tuple(Variable(name, slot) for slot, name in self._names.items())

    def write(self, parts: Iterable[Part]) -> str:
        """Write a Handlebars template that only substitutes.

        Literal braces or backslashes that touch a variable would change its meaning (`{{{v}}`, `{{v}}}`, a
        backslash before; https://handlebarsjs.com/guide/expressions.html), so they become constant variables.
        """
        alternating = _alternate(parts)
        pieces: list[str] = []
        for index, part in enumerate(alternating):
            if index % 2 or isinstance(part, Slot):
                pieces.append(self._write_variable(part))
            else:
                pieces += self._write_literal(
                    part, is_first=index == 0, is_last=index == len(alternating) - 1
                )
        return "".join(pieces)

    def _write_variable(self, slot: Part) -> str:
        name = self._names.setdefault(slot, f"v{len(self._names) + 1}")
        return f"{{{{{name}}}}}"

    def _write_literal(self, literal: str, *, is_first: bool, is_last: bool) -> Iterator[str]:
        start = 0 if is_first else len(literal) - len(literal.lstrip("}"))
        end = len(literal) if is_last else max(start, len(literal.rstrip(_OPENERS)))
        if start:
            yield self._write_variable(literal[:start])
        yield literal[start:end]
        if end < len(literal):
            yield self._write_variable(literal[end:])


def split_source(
    source: Source,
    place_of: Callable[[Occurrence], Place],
    *,
    start: int = 0,
    end: int | None = None,
    read_literal: Callable[[str], str] = str,
) -> Iterator[Part]:
    """Split `source.text[start:end]` into literals (as `read_literal` reads them) and slots."""
    end = len(source.text) if end is None else end
    occurrences = source.occurrences
    for index in range(bisect_left(occurrences, start, key=_start_of), len(occurrences)):
        occurrence = occurrences[index]
        if occurrence.start >= end:
            break
        yield read_literal(source.text[start : occurrence.start])
        yield Slot(occurrence.field, place_of(occurrence))
        start = occurrence.end
    yield read_literal(source.text[start:end])


def _start_of(occurrence: Occurrence) -> int:
    return occurrence.start


def _alternate(parts: Iterable[Part]) -> list[Part]:
    """Arrange parts so that literals (perhaps empty) are at even places and variables at odd ones.

    Runs of `{{` in a literal count as variables: they would open one.
    """
    alternating: list[Part] = []
    literals: list[str] = []
    for part in parts:
        if isinstance(part, str):
            literals.append(part)
        else:
            alternating += (*_OPENING_BRACES.split("".join(literals)), part)
            literals.clear()
    return [*alternating, *_OPENING_BRACES.split("".join(literals))]
