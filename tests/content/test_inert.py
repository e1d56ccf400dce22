"""A message to look at: what was tracked leads straight on, and nothing is left of any token."""

import pytest

from app.content.compile import compile_message
from app.content.compiled import CompiledMessage
from app.content.frame import Frame
from app.content.inert import INERT_PATH, make_nobody, render_inert, render_line
from app.core.signing import TOKEN_LENGTH
from tests.content.builders import FRAME, draft, person
from tests.content.test_speed import fastest

PUBLIC_URL = "https://c.example"
PAGE = f"{PUBLIC_URL}{INERT_PATH}"


def compiled(html: str, *, tracked: bool, frame: Frame = FRAME, text: str | None = None) -> CompiledMessage:
    message = draft(html, message_type="marketing", text=text, track_opens=tracked, track_clicks=tracked)
    return compile_message(message, frame)


@pytest.mark.parametrize(
    "html",
    [
        '<a href="https://x.example/?a=1&amp;b=2">x</a>',
        "<a href='https://x.example/a'>x</a><a href=https://x.example/b>y</a><a href=http://x.example/c\n>z</a>",
        '<a href="https://x.example/{{ first_name }}?q={{ attributes.q | "none" }}#{{ last_name }}">x</a>',
        '<body><!--[if mso]><v:rect href="https://x.example/vml"></v:rect><![endif]-->{{ email }}</body>',
        '<a data-track="off" href="https://x.example/c/1">x</a><a href="mailto:a@b.example">y</a>',
        f'<a href="{PUBLIC_URL}/c/token/1">a link of our own</a><img src="{PUBLIC_URL}/o/token.gif">',
        '<a href="{{ unsubscribe_url }}">x</a><a href="{{ attributes.url }}">y</a>',
        "<p>https://x.example/c/ https://c.example/c/1</p>{<a href='https://x.example'>x</a>}",
        "no link at all",
    ],
)
@pytest.mark.parametrize("public_url", [PUBLIC_URL, "HTTP://c.example:8080/a=b/it's"])
def test_it_is_the_message_without_tracking(html: str, public_url: str) -> None:
    frame = Frame(FRAME.school_name, FRAME.postal_address, FRAME.colour, public_url)
    to = person("Zoë & Co", "Ng", url="https://y.example/", q="{{v1}}")
    inert = render_inert(compiled(html, tracked=True, frame=frame), to, PUBLIC_URL)
    assert inert == render_inert(compiled(html, tracked=False, frame=frame), to, PUBLIC_URL)
    assert inert.text.count(PAGE) == 2
    assert f'href="{PAGE}"' in inert.html


def test_links_lead_where_a_click_does() -> None:
    html = '<a href="https://x.example/a b?n={{ first_name }}&amp;m=&#123;&#123;v1}}">x</a>'
    inert = render_inert(compiled(html, tracked=True), person("Ö'<"), PUBLIC_URL)
    assert '<a href="https://x.example/a%20b?n=%C3%96%27%3C&amp;m=%7B%7Bv1%7D%7D">x</a>' in inert.html


def test_nobody_shows_every_fallback() -> None:
    html = '{{ first_name | "friend" }}{{ email }}{{ attributes.level | "1" }} of {{ school_name }}'
    inert = render_inert(compiled(html, tracked=True), make_nobody("Hill School"), PUBLIC_URL)
    assert "friend1 of Hill School" in inert.html


def test_a_line_is_filled_as_text() -> None:
    assert render_line('For {{ full_name }} & {{{ attributes.x | "<all>" }}', person(), PUBLIC_URL) == (
        "For Ada Byron & {<all>"
    )


def test_the_page_is_no_token() -> None:
    assert len(INERT_PATH.removeprefix("/u/")) < TOKEN_LENGTH


@pytest.mark.parametrize("piece", ["https://", "https://x", "<img src=", "http", "/c/"])
def test_what_looks_like_the_beginning_of_a_link_takes_linear_time(piece: str) -> None:
    html = f"<p>{piece * (300_000 // len(piece))}</p><a href='https://x.example'>x</a>"
    message = compiled(html, tracked=True, text="x")
    assert html in render_inert(message, person(), PUBLIC_URL).html.replace('"', "'")
    assert fastest(lambda: render_inert(message, person(), PUBLIC_URL), times=1) < 2
