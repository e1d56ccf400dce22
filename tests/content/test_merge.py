"""Merge syntax: what is a field, what is a fault, and where."""

import pytest

from app.content.merge import Field, describe_position, list_merge_fields, read_source


@pytest.mark.parametrize(
    ("written", "field"),
    [
        ("{{first_name}}", Field("first_name")),
        ("{{  first_name  }}", Field("first_name")),
        ("{{\n\tlast_name\n}}", Field("last_name")),
        ('{{ first_name | "there" }}', Field("first_name", "there")),
        ("{{first_name|'there'}}", Field("first_name", "there")),
        ('{{ first_name | "l\'ami" }}', Field("first_name", "l'ami")),
        ("{{ full_name | '' }}", Field("full_name")),
        ("{{ attributes.Shoe-size_2 }}", Field("attributes.Shoe-size_2")),
        ('{{ email | "a } b" }}', Field("email", "a } b")),
        ("{{ unsubscribe_url }}", Field("unsubscribe_url")),
    ],
)
@pytest.mark.parametrize("is_html", [True, False])
def test_fields_are_read(written: str, field: Field, is_html: bool) -> None:
    source, faults = read_source(f"ab{written}c", "/text", is_html=is_html)
    assert not faults
    (occurrence,) = source.occurrences
    assert occurrence.field == field
    assert source.text[occurrence.start : occurrence.end] == written
    assert len(source.masked) == len(source.text)
    assert "{" not in source.masked


@pytest.mark.parametrize(
    ("written", "fallback"),
    [
        ("{{ first_name | &quot;there&quot; }}", "there"),
        ("{{ first_name | &#34;there&#x22; }}", "there"),
        ("{{ first_name | &#39;there&apos; }}", "there"),
        ("{{&nbsp;first_name&nbsp;|&#160;'A &amp; B'&nbsp;}}", "A & B"),
        ("{{ first_name | &quot;it's&quot; }}", "it's"),
    ],
)
def test_html_may_write_quotes_and_spaces_as_entities(written: str, fallback: str) -> None:
    source, faults = read_source(written, "/html", is_html=True)
    assert not faults
    assert source.occurrences[0].field == Field("first_name", fallback)


def test_plain_text_has_no_entities() -> None:
    _, faults = read_source("{{ first_name | &quot;there&quot; }}", "/text", is_html=False)
    assert [fault.pointer for fault in faults] == ["/text"]


@pytest.mark.parametrize(
    "stray",
    [
        "{{",
        "{{ }}",
        "{{ first_name",
        "{{ first_name }",
        "{{{{ first_name }}",
        "{{#if first_name}}",
        "{{ first_name last_name }}",
        "{{ first_name | there }}",
        "{{ first_name | 'there\" }}",
        "{{ first_name | 'a}}b' }}",
        "{{ first_name | '" + "x" * 251 + "' }}",
        "{{ <b>first_name</b> }}",
    ],
)
def test_a_stray_opening_is_named_with_its_position(stray: str) -> None:
    _, faults = read_source(f"one\ntwo {stray}", "/html", is_html=True)
    assert faults[0].pointer == "/html"
    assert faults[0].detail.startswith("Stray `{{`")
    assert "line 2, column 5 (offset 8)" in faults[0].detail


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("{{ firstname }}", "`firstname` (did you mean `first_name`?)"),
        ("{{ FIRST_NAME }}", "`FIRST_NAME`"),
        ("{{ user.password }}", "`user.password`"),
        ("{{ attributes. }}", "`attributes.`"),
        ("{{ attributes.żółw }}", "`attributes.żółw`"),
        ("{{ attributes." + "k" * 65 + " }}", "`attributes.kkk"),
        ("{{ click_token }}", "`click_token`"),
        ("{{#each}}", "`#each`"),
        ("{{>partial}}", "Stray"),
        ("{{!comment}}", "`!comment`"),
    ],
)
def test_an_unknown_field_is_named(written: str, named: str) -> None:
    _, (fault,) = read_source(written, "/subject", is_html=False)
    assert named in fault.detail
    assert "line 1, column 1 (offset 0)" in fault.detail


@pytest.mark.parametrize("character", ["\x00", "\ud800", "\ufdd0"])
def test_characters_no_email_can_carry_are_refused(character: str) -> None:
    _, (fault,) = read_source(f"a{character}", "/html", is_html=True)
    assert f"U+{ord(character):04X}" in fault.detail


def test_every_fault_is_reported_up_to_a_sane_number() -> None:
    _, faults = read_source("{{ a }} {{ b }} {{", "/html", is_html=True)
    assert len(faults) == 3
    _, faults = read_source("{{" * 100_000, "/html", is_html=True)
    assert len(faults) == 1
    _, faults = read_source("{{ a }}" * 50_000, "/html", is_html=True)
    assert len(faults) == 20


def test_closing_braces_alone_are_text() -> None:
    source, faults = read_source("@media{a{b:c}} }} } {", "/html", is_html=True)
    assert not faults
    assert not source.occurrences
    assert source.masked == source.text


@pytest.mark.parametrize("field", [Field("email"), Field("email", "it's"), Field("email", 'say "x"')])
def test_a_field_is_written_as_it_is_read(field: Field) -> None:
    source, _ = read_source(str(field), "/text", is_html=False)
    assert source.occurrences[0].field == field


def test_positions_count_lines_and_columns_from_one() -> None:
    assert describe_position("ab\ncd", 4) == "line 2, column 2 (offset 4)"


def test_every_listed_field_is_accepted() -> None:
    for merge_field in list_merge_fields():
        _, faults = read_source(merge_field.syntax, "/text", is_html=False)
        assert not faults
        assert merge_field.description
