"""What is put round the message: pixel, preheader and footer, once and in the right place."""

import re

import pytest

from app.content.compile import compile_message
from app.content.frame import Frame
from app.core.colours import choose_ink
from tests.content.builders import FRAME, URLS, draft, fill

PIXEL = f'<img src="https://c.example/o/{URLS.open_url_token}.gif"'
HIDDEN = '<div style="display:none;'


def opened(html: str) -> str:
    return fill(compile_message(draft(html, track_opens=True), FRAME)).html


@pytest.mark.parametrize(
    "html",
    [
        "<body>x¦</body>",
        "<BODY>x¦</BODY\n></html>",
        "x¦",
        "<html>x</html>¦",
        "<body>x<!-- </body> -->¦</body>",
        "<body>x<!--[if mso]></body><![endif]-->¦</body>",
        "<body><script>'</body>'</script>¦</body>",
        '<body><p title="</body>">x¦</body>',
        "<body>1</body>2¦</body>",
        "<body><!-- </body>¦",
    ],
)
def test_the_pixel_is_before_the_end_of_the_body(html: str) -> None:
    before, after = html.split("¦")
    result = opened(before + after)
    assert result.startswith(before + PIXEL)
    assert result.endswith(">" + after)
    assert result.count(PIXEL) == 1


def test_there_is_no_pixel_when_the_author_says_so() -> None:
    assert "/o/" not in fill(compile_message(draft(track_opens=False), FRAME)).html


@pytest.mark.parametrize(
    "html",
    [
        "<body class='a>b'>¦x</body>",
        "<BODY>¦x<body>",
        "¦<p>x</p>",
        "<!DOCTYPE html>¦<p>x</p>",
        "<!doctype html><html lang=en>¦<p>x</p>",
        "<html><head><title><body></title></head>¦x</html>",
        "<!-- <body> --><html><head></head><body>¦x",
        "¦x<!-- <body> -->",
        "¦</body><body>",
    ],
)
def test_the_preheader_is_at_the_beginning_of_the_body(html: str) -> None:
    before, after = html.split("¦")
    compiled = compile_message(draft(before + after, preheader="A <b> {{ first_name }}"), FRAME)
    result = fill(compiled).html
    assert result.startswith(before + HIDDEN)
    assert result.endswith("</div>" + after)
    assert ">A &lt;b&gt; Ada&#847;" in result
    assert result.count(HIDDEN) == 1


@pytest.mark.parametrize("preheader", [None, "", "  "])
def test_there_is_no_preheader_without_words(preheader: str | None) -> None:
    assert compile_message(draft(preheader=preheader), FRAME).html == "<p>Hello</p>"


def test_marketing_has_button_address_and_preferences_before_the_pixel() -> None:
    compiled = compile_message(draft("<body>x</body>", message_type="marketing", track_opens=True), FRAME)
    html = fill(compiled).html
    order = ["x<table", URLS.unsubscribe_url, ">Unsubscribe<", "Hill School",
             "1 Main St<br>Town &amp; Country",
             URLS.preferences_url, ">Email preferences<", PIXEL, "</body>"]  # fmt: skip
    positions = [html.index(piece) for piece in order]
    assert positions == sorted(positions)
    assert compiled.links == ()
    text = fill(compiled).text
    assert f"Unsubscribe: {URLS.unsubscribe_url}" in text
    assert f"Email preferences: {URLS.preferences_url}" in text
    assert "Hill School\n1 Main St\nTown & Country\n" in text


def test_operational_messages_have_no_footer() -> None:
    compiled = compile_message(draft(), FRAME)
    assert compiled.html == "<p>Hello</p>"
    assert compiled.text == "Hello"


@pytest.mark.parametrize(
    ("html", "has_button"),
    [
        ('<a href="{{ unsubscribe_url }}">stop</a>', False),
        ("Visit {{ unsubscribe_url }}", False),
        ('<a href="https://x.example/?u={{ unsubscribe_url }}">stop</a>', False),
        ("<!-- {{ unsubscribe_url }} -->", True),
        ('<!--[if mso]><v:rect href="{{ unsubscribe_url }}"/><![endif]-->', True),
        ("<script>{{ unsubscribe_url }}</script>", True),
        ('<p title="{{ unsubscribe_url }}">', True),
        ("<p title={{ unsubscribe_url }}>", True),
        ("<p>unsubscribe</p>", True),
    ],
)
def test_a_button_is_added_unless_the_author_shows_the_link(html: str, has_button: bool) -> None:
    compiled = compile_message(draft(html, message_type="newsletter"), FRAME)
    assert (">Unsubscribe</a>" in compiled.html) is has_button
    assert "Town &amp; Country" in compiled.html


def test_the_text_names_the_unsubscribe_page_once() -> None:
    message = draft(message_type="marketing", text="Stop: {{ unsubscribe_url }}")
    text = fill(compile_message(message, FRAME)).text
    assert text.count(URLS.unsubscribe_url) == 1
    assert "1 Main St" in text


def test_the_schools_own_braces_are_no_code() -> None:
    frame = Frame("{{email}} <x>", "{{{a}}} \\{{b}}", "red;}", "https://c.example/")
    message = compile_message(draft(message_type="marketing", text="x", track_opens=True), frame)
    filled = fill(message)
    assert "<strong>{{email}} &lt;x&gt;</strong><br>{{{a}}} \\{{b}}</p>" in filled.html
    assert "{{email}} <x>\n{{{a}}} \\{{b}}\n" in filled.text
    assert "red" not in filled.html
    assert PIXEL in filled.html


@pytest.mark.parametrize(
    ("colour", "ink"),
    [("#ffffff", "#000000"), ("#000000", "#ffffff"), ("#ff0", "#000000"), ("#00f", "#ffffff")],
)
def test_the_button_is_readable_on_any_colour(colour: str, ink: str) -> None:
    assert choose_ink(colour) == ink
    frame = Frame("S", "A", colour, "https://c.example")
    html = compile_message(draft(message_type="marketing"), frame).html
    assert re.search(rf"background:{colour};.*color:{ink};", html)
