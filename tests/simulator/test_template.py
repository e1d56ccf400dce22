"""Substitution as SES does it."""

from typing import Any

import pytest

from app.simulator.template import RenderingFailed, parse_data, parse_template


@pytest.mark.parametrize(
    ("source", "rendered"),
    [
        ("Hello {{name}}", "Hello A & <b>"),
        ("Hello {{ name }}!", "Hello A & <b>!"),
        ("Hello {{{name}}}", "Hello A & <b>"),
        ("{{contact.first}} {{name}}{{name}}", "Ann A & <b>A & <b>"),
        (r"\{{name}} and {{name}}", "{{name}} and A & <b>"),
        (r"\{{ name", "{{ name"),
        (r"\\{{name}}", r"\A & <b>"),
        ("{{count}} {{flag}} [{{nothing}}]", "3 true []"),
        ("a{color:red} {x} }}", "a{color:red} {x} }}"),
        ("", ""),
    ],
)
def test_values_are_put_in_unescaped(source: str, rendered: str) -> None:
    data: dict[str, Any] = {
        "name": "A & <b>",
        "contact": {"first": "Ann"},
        "count": 3,
        "flag": True,
        "nothing": None,
    }
    assert parse_template(source).render(data) == rendered


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("{{missing}}", "Attribute 'missing' is not present in the rendering data."),
        ("{{name.first}}", "Attribute 'name.first' is not present in the rendering data."),
        ("{{#if name}}x{{/if}}", "not a simple substitution"),
        ("{{> part}}", "not a simple substitution"),
        ("{{}}", "not a simple substitution"),
        ("{{name", "never closed"),
        ("{{name}} {{", "never closed"),
    ],
)
def test_what_cannot_be_rendered_says_why(source: str, words: str) -> None:
    with pytest.raises(RenderingFailed, match=words):
        parse_template(source).render({"name": "Ann"})


def test_a_template_tells_its_variables() -> None:
    assert parse_template(r"{{a}} {{b.c}} \{{d}} {{a}}").names == {"a", "b.c"}


@pytest.mark.parametrize("document", ["[]", "1", "{", '"a"'])
def test_data_is_a_json_object(document: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_data(document)


def test_no_data_is_an_empty_object() -> None:
    assert parse_data("") == {}
