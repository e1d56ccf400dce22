"""Limits and refusals: each a fault that says what and where."""

import pytest

from app.content.compile import MAX_COMPILED_BYTES, compile_message
from tests.content.builders import FRAME, draft, faults_of

LINK = '<a href="https://x.example/">x</a>'


@pytest.mark.parametrize(
    "subject", ["", "  ", "x" * 251, "a\nb", "a\r", "a\u2028b", "a\x00b", "a\x0bb", "a\x85b"]
)
def test_a_bad_subject_is_refused(subject: str) -> None:
    faults = faults_of(draft(subject=subject))
    assert faults
    assert {fault.pointer for fault in faults} == {"/subject"}


@pytest.mark.parametrize(
    "subject",
    ["=?utf-8?Q?x=0D=0ABcc:_a?=", "Hi =?UTF-8?b?{{ first_name }}?=", "=?iso-8859-1*en?q?{{ email }}"],
)
def test_an_encoded_subject_is_refused(subject: str) -> None:
    (fault,) = faults_of(draft(subject=subject))
    assert fault.pointer == "/subject"
    assert f"(offset {subject.index('=?')})" in fault.detail


@pytest.mark.parametrize("subject", ["x", "x" * 250, "é {{ first_name }}", "1+1=?", "a=?b?c ?="])
def test_a_good_subject_is_accepted(subject: str) -> None:
    assert faults_of(draft(subject=subject)) == ()


def test_the_break_in_a_subject_is_located() -> None:
    assert "line 1, column 3 (offset 2)" in faults_of(draft(subject="ab\ncd"))[0].detail


@pytest.mark.parametrize("html", ["", " \n\t"])
def test_empty_html_is_refused(html: str) -> None:
    assert [fault.pointer for fault in faults_of(draft(html))] == ["/html"]


def test_faults_of_every_part_are_reported_together() -> None:
    wrong = draft("{{ a }}", subject="{{ b }}", text="{{ c }}", preheader="{{ d }}")
    assert [fault.pointer for fault in faults_of(wrong)] == ["/subject", "/preheader", "/html", "/text"]


def test_500_links_are_allowed_and_no_more() -> None:
    assert len(compile_message(draft(LINK * 500), FRAME).links) == 500
    (fault,) = faults_of(draft(LINK * 501))
    assert fault.pointer == "/html"
    assert "501 links" in fault.detail


def test_html_and_text_share_400_kb() -> None:
    text = "é" * 1000
    assert faults_of(draft("x" * (MAX_COMPILED_BYTES - 2000), text=text)) == ()
    (fault,) = faults_of(draft("x" * (MAX_COMPILED_BYTES - 1999), text=text))
    assert fault.pointer == "/html"
    assert "401 KB" in fault.detail


@pytest.mark.parametrize("pointer", ["subject", "html", "text", "preheader"])
def test_an_operational_message_has_no_unsubscribe_page(pointer: str) -> None:
    parts = {"subject": "s", "html": "h", "text": "t", "preheader": "p"} | {
        pointer: "a {{ unsubscribe_url }}"
    }
    (fault,) = faults_of(draft(**parts))  # type: ignore[arg-type]
    assert fault.pointer == f"/{pointer}"
    assert "unsubscribe_url" in fault.detail
    assert "line 1, column 3" in fault.detail


def test_an_operational_message_may_show_the_preferences_page() -> None:
    assert faults_of(draft("{{ preferences_url }}")) == ()
