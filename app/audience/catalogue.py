"""The kinds of filter as a front end needs them, to build its form without knowing any."""

import inspect
from typing import Any

from pydantic import Field

import app.audience.filters  # noqa: F401  # every kind is to be described
from app.audience.base import Filter
from app.core.schema import View, exemplify


class FilterKind(View):
    """A kind of filter: what it is called, and its parameters as JSON Schema."""

    model_config = exemplify(
        kind="recent_accounts",
        title="Recent accounts",
        description="Users registered in the last so many times 24 hours.",
        parameters={
            "type": "object",
            "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 3650}},
            "required": ["days"],
            "additionalProperties": False,
        },
    )

    kind: str
    title: str = Field(description="The kind, for people.")
    description: str = Field(description="Whom it names.")
    parameters: dict[str, Any] = Field(description="What goes beside `kind`, as JSON Schema (2020-12).")


def describe_filters() -> list[FilterKind]:
    """Describe every registered kind."""
    return [_describe(kind, found) for kind, found in sorted(Filter.registry.items())]


def _describe(kind: str, found: type[Filter]) -> FilterKind:
    schema = found.model_json_schema()
    if "$ref" in schema:  # it is one of its own parts' kinds
        definitions = schema["$defs"]
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], "$defs": definitions}
    properties = {name: field for name, field in schema["properties"].items() if name != "kind"}
    required = [name for name in schema.get("required", ()) if name != "kind"]
    parameters = schema | {"properties": properties, "required": required}
    return FilterKind(
        kind=kind,
        title=kind.replace("_", " ").capitalize(),
        description=inspect.getdoc(found) or "",
        parameters=parameters,
    )
