"""A compiled message: templates and variables for SES, and what one recipient's are filled with."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from app.content.merge import Field
from app.content.person import Person, Reader, RecipientUrls, is_personal, reader_of
from app.content.places import ENCODERS, Place, encode_link, normalise_url
from app.content.template import Part, Slot, Variable

_VARIABLE = re.compile(r"\{\{([a-z0-9]+)\}\}")
_NO_URLS = RecipientUrls("", "", "", "")


@dataclass(frozen=True, slots=True)
class Link:
    """A tracked link: its `number` (from 1, one for each occurrence in the HTML) and where it leads."""

    number: int
    parts: tuple[Part, ...]

    @property
    def destination(self) -> str:
        """The URL as the author wrote it, entities decoded; merge fields in merge syntax."""
        return "".join(part if isinstance(part, str) else str(part.field) for part in self.parts)

    def to_json(self) -> dict[str, Any]:
        """Give the link as JSON values, for `from_json`."""
        return {"number": self.number, "parts": [_part_to_json(part) for part in self.parts]}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Restore a link from what `to_json` gave."""
        return cls(data["number"], tuple(map(_part_from_json, data["parts"])))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as one recipient gets it."""

    subject: str
    html: str
    text: str


Step = tuple[Reader, tuple[tuple[str, Callable[[str], str]], ...], Mapping[str, str]]
"""How to read one field, how each of its variables writes the value, and what each says without one."""


@dataclass(frozen=True, slots=True)
class CompiledMessage:
    """What SES is given once (`subject`, `html`, `text`: templates) and what it needs for each recipient."""

    subject: str
    html: str
    text: str
    links: tuple[Link, ...]
    variables: tuple[Variable, ...]
    _constants: Mapping[str, str] = field(init=False, repr=False, compare=False)
    _plan: tuple[Step, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Prepare all that is the same for every recipient: `values` runs millions of times."""
        constants = {each.name: each.slot for each in self.variables if isinstance(each.slot, str)}
        object.__setattr__(self, "_constants", constants)
        object.__setattr__(self, "_plan", tuple(_plan_values(self.variables)))

    @property
    def merge_fields(self) -> tuple[str, ...]:
        """Names of what is read of a recipient, links included: the data a campaign has to keep."""
        parts = (
            *(each.slot for each in self.variables),
            *(part for link in self.links for part in link.parts),
        )
        names = {part.field.name for part in parts if isinstance(part, Slot)}
        return tuple(sorted(name for name in names if is_personal(name)))

    def values(self, person: Person, urls: RecipientUrls) -> dict[str, str]:
        """Give every variable for one recipient, escaped for its place; blank values give the fallback."""
        values = dict(self._constants)
        for read, encoders, fallbacks in self._plan:
            value = read(person, urls)
            if not value or value.isspace():
                values.update(fallbacks)
            else:
                for name, encode in encoders:
                    values[name] = encode(value) or fallbacks[name]
        return values

    def to_json(self) -> dict[str, Any]:
        """Give the message as JSON values, for `from_json`; nothing is lost."""
        return {
            "subject": self.subject,
            "html": self.html,
            "text": self.text,
            "links": [link.to_json() for link in self.links],
            "variables": [{"name": each.name, "slot": _part_to_json(each.slot)} for each in self.variables],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Restore a message from what `to_json` gave."""
        return cls(
            subject=data["subject"],
            html=data["html"],
            text=data["text"],
            links=tuple(map(Link.from_json, data["links"])),
            variables=tuple(
                Variable(each["name"], _part_from_json(each["slot"])) for each in data["variables"]
            ),
        )


def render(compiled: CompiledMessage, person: Person, urls: RecipientUrls) -> Rendered:
    """Fill the templates as SES would: what a preview shows is what arrives."""
    values = compiled.values(person, urls)

    def fill(template: str) -> str:
        return _VARIABLE.sub(lambda variable: values[variable[1]], template)

    return Rendered(fill(compiled.subject), fill(compiled.html), fill(compiled.text))


def destination_for(link: Link, person: Person) -> str:
    """Give the URL a tracked link leads one person to: percent-encoded ASCII, fit for a `Location` header."""
    return "".join(
        normalise_url(part) if isinstance(part, str) else _read_for_link(part.field, person)
        for part in link.parts
    )


def _read_for_link(merge_field: Field, person: Person) -> str:
    value = reader_of(merge_field.name)(person, _NO_URLS)
    return encode_link(merge_field.fallback if not value or value.isspace() else value)


def _plan_values(variables: Iterable[Variable]) -> Iterator[Step]:
    by_field: dict[str, list[tuple[str, Slot]]] = {}
    for variable in variables:
        if isinstance(variable.slot, Slot):
            by_field.setdefault(variable.slot.field.name, []).append((variable.name, variable.slot))
    for field_name, targets in by_field.items():
        encoders = tuple((name, ENCODERS[slot.place]) for name, slot in targets)
        fallbacks = {name: ENCODERS[slot.place](slot.field.fallback) for name, slot in targets}
        yield reader_of(field_name), encoders, fallbacks


def _part_to_json(part: Part) -> str | dict[str, str]:
    if isinstance(part, str):
        return part
    return {"field": part.field.name, "fallback": part.field.fallback, "place": part.place.value}


def _part_from_json(data: str | Mapping[str, str]) -> Part:
    if isinstance(data, str):
        return data
    return Slot(Field(data["field"], data["fallback"]), Place(data["place"]))
