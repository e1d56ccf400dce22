"""Examples of whole answers, made of those that the models show: each is written once, beside its model."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from pydantic import BaseModel

Schema = Mapping[str, Any]
CAMPAIGN_ID = "019cadc6-9a80-73dc-a260-b2472062d9c5"
"""The campaign that the examples of all answers tell of."""
SCHEMAS = "#/components/schemas/"


class NoExample(Exception):
    """Neither a schema nor its parts show an example; the message names the place."""


def compose_example(schema: Schema, schemas: Mapping[str, Schema], place: str = "") -> Any:
    """Return the example of a schema, what it leaves out taken from its parts; NoExample if they have none.

    What need not be there is not added. A part that may be null, and shows nothing, is null.
    """
    if "examples" in schema and "properties" not in schema:
        return schema["examples"][0]
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return compose_example(schemas[name], schemas, place or name)
    if "properties" in schema:
        return _fill(schema, schemas, place)
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        return _choose(schema["anyOf"], schemas, place)
    if "items" in schema:
        return [compose_example(schema["items"], schemas, place)]
    raise NoExample(place)


def _fill(schema: Schema, schemas: Mapping[str, Schema], place: str) -> dict[str, Any]:
    shown = schema.get("examples", [{}])[0]
    required = schema.get("required", ())
    return {
        name: shown[name] if name in shown else compose_example(part, schemas, f"{place}.{name}")
        for name, part in schema["properties"].items()
        if name in shown or name in required
    }


def _choose(choices: list[Schema], schemas: Mapping[str, Schema], place: str) -> Any:
    for choice in choices:
        try:
            return compose_example(choice, schemas, place)
        except NoExample:
            continue
    if {"type": "null"} in choices:
        return None
    raise NoExample(place)


def show_model(model: type[BaseModel]) -> Any:
    """Return the example of a model's JSON, as the document has it."""
    schema = model.model_json_schema(mode="serialization")
    return compose_example(schema, schema.get("$defs", {}))


def complete_examples(schemas: Mapping[str, dict[str, Any]]) -> None:
    """Complete in place the examples that models show, where parts of theirs show their own."""
    for name, schema in schemas.items():
        if "examples" in schema and "properties" in schema:
            schema["examples"] = [compose_example(schema, schemas, name)]


def overlay(example: Any, change: Any) -> Any:
    """Return an example with some of its fields, at any depth, put otherwise."""
    if not isinstance(example, dict) or not isinstance(change, dict):
        return change
    return example | {name: overlay(example.get(name), value) for name, value in change.items()}


def show_answers(operation: dict[str, Any], schemas: Mapping[str, Schema]) -> None:
    """Give every answer in JSON its example: its model's, changed where the route says so (in JSON text)."""
    for media in _walk_answers(operation):
        try:
            example = compose_example(media["schema"], schemas)
        except NoExample:
            continue  # the document's tests name it
        media["example"] = overlay(example, orjson.loads(media.get("example", "{}")))


def _walk_answers(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for status, response in operation["responses"].items():
        media = response.get("content", {}).get("application/json", {})
        if status < "300" and "schema" in media:
            yield media
