"""Examples of whole answers are made of those of their parts, and never made up."""

from typing import Any

import pytest

from app.core.examples import NoExample, compose_example, overlay, show_answers

PLACE = {"type": "object", "properties": {"town": {"type": "string"}}, "examples": [{"town": "Springfield"}]}
SCHEMAS: dict[str, Any] = {
    "Place": PLACE | {"required": ["town"]},
    "Kind": {"type": "string", "enum": ["a", "b"]},
}


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        ({"$ref": "#/components/schemas/Place"}, {"town": "Springfield"}),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Place"}}, [{"town": "Springfield"}]),
        ({"type": "string", "examples": ["its own"]}, "its own"),
        ({"const": "fixed"}, "fixed"),
        ({"anyOf": [{"$ref": "#/components/schemas/Kind"}, {"const": "second"}]}, "second"),
        ({"anyOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]}, None),
        (
            {
                "properties": {"a": {"const": 1}, "b": {"$ref": "#/components/schemas/Place"}, "c": {}},
                "required": ["a", "b"],
                "examples": [{"a": 2}],
            },
            {"a": 2, "b": {"town": "Springfield"}},
        ),
    ],
)
def test_an_example_is_its_own_or_that_of_its_parts(schema: dict[str, Any], example: Any) -> None:
    assert compose_example(schema, SCHEMAS) == example


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"$ref": "#/components/schemas/Kind"}, "Kind"),
        ({"properties": {"size": {"type": "integer"}}, "required": ["size"]}, ".size"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, ""),
    ],
)
def test_what_shows_nothing_is_named(schema: dict[str, Any], place: str) -> None:
    with pytest.raises(NoExample) as caught:
        compose_example(schema, SCHEMAS)
    assert str(caught.value) == place


def test_a_route_may_show_some_fields_otherwise() -> None:
    assert overlay({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": None}}) == {"a": 1, "b": {"c": None, "d": 3}}


def test_an_answer_without_an_example_is_left_without_one() -> None:
    media: dict[str, Any] = {"schema": {"$ref": "#/components/schemas/Kind"}}
    show_answers({"responses": {"200": {"content": {"application/json": media}}}}, SCHEMAS)
    assert "example" not in media
