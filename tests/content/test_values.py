"""Values: each variable of one recipient, escaped for its place; and the message's life in a JSON column."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.content.compile import compile_message
from app.content.compiled import CompiledMessage, render
from app.content.person import Person, Scalar, write_scalar
from tests.content.builders import FRAME, URLS, draft, fill, html_for, person

ANY_TEXT = st.text(st.characters(codec="utf-8"))
EVERYWHERE = draft(
    "<p title='{{ first_name }}' class={{first_name}}>{{ first_name }}{{ attributes.k | \"none\" }}</p>"
    '<img src="{{ attributes.k }}" alt=""><a href="tel:{{ last_name }}">c</a> \\{{ email }}}'
    '<a href="https://x.example/?{{ email }}">x</a><a href="{{ unsubscribe_url }}">bye</a>',
    message_type="newsletter",
    subject="Dear {{ full_name | 'reader' }}",
    preheader="For {{ first_name }}",
    track_opens=True,
)


@pytest.mark.parametrize(
    ("html", "written"),
    [
        ("<p>{{ first_name }}</p>", "<p>&lt;b&gt;O&#39;N &amp; &#34;x&#34;</p>"),
        ('<p title="{{ first_name }}">', '<p title="&lt;b&gt;O&#39;N &amp; &#34;x&#34;">'),
        ("<p title={{ first_name }}>", "<p title=&lt;b&gt;O&#39;N&#32;&amp;&#32;&#34;x&#34;>"),
        ("<p {{ first_name }}>", "<p &lt;b&gt;O&#39;N&#32;&amp;&#32;&#34;x&#34;>"),
        ('<a href="mailto:{{ first_name }}">', '<a href="mailto:%3Cb%3EO%27N%20%26%20%22x%22">'),
        ("<img src=/i/{{ first_name }}.png>", "<img src=/i/%3Cb%3EO%27N%20%26%20%22x%22.png>"),
        ("<style>{{ first_name }}</style>", "<style>&lt;b&gt;O&#39;N &amp; &#34;x&#34;</style>"),
        ("<!-- {{ first_name }} -->", "<!-- &lt;b&gt;O&#39;N &amp; &#34;x&#34; -->"),
        ("{{ last_name | '<i>' }}", "&lt;i&gt;"),
        ("{{ last_name }}", ""),
        ("{{ school_name }}", "Hill School"),
        ("{{ full_name }}", "&lt;b&gt;O&#39;N &amp; &#34;x&#34;"),
        ("{{ attributes.missing | 'x' }}", "x"),
        ("{{ attributes.blank | 'x' }}", "x"),
        ("<a href='{{ attributes.site }}'>", "<a href='https://x.example/?a=1&amp;b=c%20d'>"),
        ("<a href={{ attributes.script | 'https://y.example' }}>", "<a href=https://y.example>"),
        ('<a href=" {{ attributes.site }}&amp;c={{ email }}">',
         '<a href=" https://x.example/?a=1&amp;b=c%20d&amp;c=ada%2B1%40example.com">'),
    ],
)  # fmt: skip
def test_a_value_is_escaped_for_its_place(html: str, written: str) -> None:
    to = person(
        '<b>O\'N & "x"', " ", blank="\t", site="https://x.example/?a=1&b=c d", script="javascript:alert(1)"
    )
    assert html_for(html, to) == written


@pytest.mark.parametrize("value", ["{{email}}", "{{{x}}}", "\\{{", "{{#if x}}{{/if}}", "}}", "v1"])
def test_a_name_cannot_be_template_code(value: str) -> None:
    message = compile_message(
        draft("{{ first_name }}{{email}}", subject="{{ first_name }}", text="{{ first_name }}"), FRAME
    )
    filled = fill(message, person(value))
    assert filled.html == f"{value}ada+1@example.com"
    assert (filled.subject, filled.text) == (value, value)


def test_a_name_cannot_add_a_header() -> None:
    message = compile_message(draft(subject="Hi {{ first_name }}!"), FRAME)
    assert fill(message, person("A\r\nBcc: x\u2028\x00")).subject == "Hi ABcc: x!"


@given(ANY_TEXT, ANY_TEXT, st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), ANY_TEXT))
def test_preview_is_what_ses_makes(first: str, last: str, attribute: Scalar) -> None:
    message = compile_message(EVERYWHERE, FRAME)
    to = person(first, last, k=attribute)
    assert render(message, to, URLS) == fill(message, to)
    assert set(message.values(to, URLS)) == {each.name for each in message.variables}


def test_a_message_survives_json() -> None:
    message = compile_message(EVERYWHERE, FRAME)
    restored = CompiledMessage.from_json(json.loads(json.dumps(message.to_json())))
    assert restored == message
    assert restored.values(person(), URLS) == message.values(person(), URLS)


def test_the_data_to_keep_is_named() -> None:
    html = '<a href="https://x.example/{{ attributes.k }}">{{ first_name }}</a>{{ preferences_url }}'
    assert compile_message(draft(html), FRAME).merge_fields == ("attributes.k", "first_name")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("text ", "text "),
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-12345678901234567890, "-12345678901234567890"),
        (1.5, "1.5"),
        (3.0, "3"),
        (1e-7, "0.0000001"),
        (1e21, "1" + "0" * 21),
        (float("nan"), ""),
        (float("inf"), ""),
    ],
)
def test_attributes_are_written_predictably(value: Scalar, written: str) -> None:
    assert write_scalar(value) == written


@pytest.mark.parametrize(
    ("first", "last", "full"), [("Ada", "Byron", "Ada Byron"), ("Ada", "", "Ada"), ("", "Byron", "Byron")]
)
def test_the_full_name_is_what_is_known(first: str, last: str, full: str) -> None:
    assert Person(first, last, "", "", {}).full_name == full
