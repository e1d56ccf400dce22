"""Templates: whatever stands beside a variable, only substitution happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.content.merge import Field
from app.content.places import Place
from app.content.template import Part, Slot, TemplateWriter
from tests.content.handlebars import substitute

NAME = Slot(Field("first_name"), Place.TEXT)
EMAIL = Slot(Field("email"), Place.HTML)


def fill(parts: list[Part], value: str) -> str:
    writer = TemplateWriter()
    template = writer.write(parts)
    values = {each.name: each.slot if isinstance(each.slot, str) else value for each in writer.variables}
    return substitute(template, values)


@pytest.mark.parametrize("before", ["", "a", "{", "\\", "\\\\", "{{", "\\{", "{\\", "a{{{{{b\\", "}{", "}\\"])
@pytest.mark.parametrize("after", ["", "b", "}", "}}", "}}}", "{", "\\", "}{", "}{{"])
def test_braces_and_backslashes_beside_a_variable_stay_text(before: str, after: str) -> None:
    assert fill([before, NAME, after], "Ada") == f"{before}Ada{after}"
    assert fill([before, NAME, after, EMAIL], "Ada") == f"{before}Ada{after}Ada"


@given(st.lists(st.text("{}\\a ") | st.just(NAME) | st.just(EMAIL)), st.text("{}\\v1"))
def test_no_literal_and_no_value_becomes_code(parts: list[Part], value: str) -> None:
    expected = "".join(part if isinstance(part, str) else value for part in parts)
    assert fill(parts, value) == expected


def test_one_slot_is_one_variable() -> None:
    writer = TemplateWriter()
    assert writer.write([NAME, " ", NAME]) == "{{v1}} {{v1}}"
    assert writer.write([EMAIL, NAME]) == "{{v2}}{{v1}}"
    assert [each.slot for each in writer.variables] == [NAME, EMAIL]


def test_literals_without_variables_are_untouched() -> None:
    assert TemplateWriter().write(["@media{a{b:c}}", "", "\\"]) == "@media{a{b:c}}\\"
