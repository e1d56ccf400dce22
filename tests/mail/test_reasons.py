"""Codes in plain words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.reasons import describe, to_code
from app.mail.types import MailEventKind


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        ("mailbox_full", None, "Mailbox full (soft bounce)"),
        ("mailbox_full", MailEventKind.BOUNCE, "Mailbox full (hard bounce)"),
        ("no_such_user", None, "No such mailbox (hard bounce)"),
        ("general", MailEventKind.SOFT_BOUNCE, "Refused without a stated reason (soft bounce)"),
        ("mailbox_full", MailEventKind.DELIVERY_DELAY, "Mailbox full"),
        ("abuse", MailEventKind.COMPLAINT, "Marked as spam"),
        ("MESSAGE_REJECTED", None, "Rejected by Amazon SES"),
        ("brand_new_reason", None, "Brand new reason"),
        ("BrandNewException", None, "Brand new exception"),
        ("", None, ""),
        ("", MailEventKind.BOUNCE, ""),
    ],
)
def test_codes_are_described(code: str, kind: MailEventKind | None, words: str) -> None:
    assert describe(code, kind) == words


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("MailboxFull", "mailbox_full"),
        ("IPFailure", "ip_failure"),
        ("OnAccountSuppressionList", "on_account_suppression_list"),
        ("auth-failure", "auth_failure"),
        ("Bad content", "bad_content"),
        ("", ""),
    ],
)
def test_provider_words_become_codes(word: str, code: str) -> None:
    assert to_code(word) == code


@given(st.text())
def test_any_word_becomes_a_short_plain_code(word: str) -> None:
    code = to_code(word)
    assert len(code) <= 64
    assert set(code) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
