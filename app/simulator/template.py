"""Template substitution as SES does it for inline templates: plain values, nothing escaped.

https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson

_MUSTACHE = re.compile(r"(\\{0,2})(\{\{\{\s*([^{}]*?)\s*\}\}\}|\{\{\s*([^{}]*?)\s*\}\})")
_PATH = re.compile(r"[\w$:-]+(?:\.[\w$:-]+)*")
_UNCLOSED = re.compile(r"(?<!\\)\{\{")


class RenderingFailed(Exception):
    """The template cannot be rendered with this data: SES then publishes a `Rendering Failure`."""


@dataclass(frozen=True, slots=True)
class Template:
    """Literals and variable names in turn: even positions are text, odd ones are names."""

    pieces: tuple[str, ...]
    fault: str | None = None

    @property
    def names(self) -> frozenset[str]:
        """The variables the template names."""
        return frozenset(self.pieces[1::2])

    def render(self, data: Mapping[str, Any]) -> str:
        """Return the text with every variable replaced; raises RenderingFailed."""
        if self.fault:
            raise RenderingFailed(self.fault)
        rendered = list(self.pieces)
        rendered[1::2] = [find_value(name, data) for name in self.pieces[1::2]]
        return "".join(rendered)


@lru_cache(maxsize=512)
def parse_template(source: str) -> Template:
    r"""Parse one part of a template; `\{{` is a literal `{{` and `\\{{` a backslash before a variable.

    Blocks, partials and helpers are not simple substitutions: they leave a `fault`, found on rendering.
    """
    try:
        return Template(tuple(_split(source)))
    except RenderingFailed as failure:
        return Template((), str(failure))


def _split(source: str) -> Iterator[str]:
    literal, position = "", 0
    for match in _MUSTACHE.finditer(source):
        literal += _read_literal(source[position : match.start()])
        position = match.end()
        backslashes, mustache, raw, plain = match.groups()
        if backslashes == "\\":
            literal += mustache
            continue
        name = plain if raw is None else raw
        if not _PATH.fullmatch(name):
            message = f"'{mustache}' is not a simple substitution."
            raise RenderingFailed(message)
        yield literal + backslashes[1:]
        yield name
        literal = ""
    yield literal + _read_literal(source[position:])


def _read_literal(text: str) -> str:
    if _UNCLOSED.search(text):
        raise RenderingFailed("The template has a '{{' that is never closed.")
    return text.replace("\\{{", "{{")


def find_value(path: str, data: Mapping[str, Any]) -> str:
    """Return the value at a dotted path as text; raises RenderingFailed when there is none."""
    value: Any = data
    try:
        for key in path.split("."):
            value = value[key]
    except (KeyError, TypeError):
        message = f"Attribute '{path}' is not present in the rendering data."
        raise RenderingFailed(message) from None
    if isinstance(value, str):
        return value
    return "" if value is None else orjson.dumps(value).decode()


def parse_data(document: str) -> dict[str, Any]:
    """Return template data, a JSON object; raises ValueError when it is not one."""
    data = orjson.loads(document or "{}")
    if not isinstance(data, dict):
        raise ValueError("Template data must be a JSON object.")  # noqa: TRY004 - one error for any bad document
    return data
