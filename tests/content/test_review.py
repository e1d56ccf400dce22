"""Warnings: what an author may want to mend before sending."""

import pytest

from app.content.compile import Draft, compile_message
from app.content.review import find_warnings
from tests.content.builders import FRAME, draft


def codes_of(message: Draft) -> list[str]:
    return [warning.code for warning in find_warnings(message, compile_message(message, FRAME))]


def test_a_careful_message_has_no_warnings() -> None:
    links = '<a href="https://x.example">x</a><a href="{{unsubscribe_url}}">y</a>'
    html = f'<img alt="">{{{{ first_name | "x" }}}}{links}'
    assert codes_of(draft(html, message_type="marketing", preheader="p")) == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (draft("x" * 103_000, text="x", preheader="p"), "html_clipped"),
        (draft(message_type="newsletter", preheader="p"), "no_unsubscribe_text"),
        (draft('<img src="a"><img alt="b"></img>', preheader="p"), "missing_alt"),
        (draft("<form>x</form>", preheader="p"), "removed_tag"),
        (draft('<a href="http://x.example">x</a>', preheader="p"), "insecure_link"),
        (draft('<a href="{{ attributes.url }}">x</a>', preheader="p"), "untracked_address"),
        (draft(subject="x" * 71, preheader="p"), "long_subject"),
        (draft(), "no_preheader"),
        (draft("{{ first_name }}", preheader="p"), "no_fallback"),
    ],
)
def test_each_weakness_is_named_once(message: Draft, code: str) -> None:
    assert codes_of(message) == [code]


def test_without_tracking_no_address_is_untracked() -> None:
    message = draft('<a href="{{ attributes.url }}">x</a>', preheader="p", track_clicks=False)
    assert codes_of(message) == []
