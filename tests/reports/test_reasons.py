"""Every reason there is, in plain words that fit what happened (pure)."""

from itertools import product

import pytest

from app.mail.reasons import _REASONS
from app.recipients.facts import FactKind
from app.recipients.outcome import REASON_RANKS
from app.reports.reasons import explain


@pytest.mark.parametrize("kind", REASON_RANKS)
def test_each_code_has_words_of_its_kind(kind: FactKind) -> None:
    for code, delivered in product(_REASONS, (False, True)):
        words = explain(kind, code, delivered=delivered)
        assert words, code
        assert words[0].isupper(), code
        assert "_" not in words, code
        assert ("(hard bounce)" in words) == (kind is FactKind.BOUNCED), code
        soft = kind is FactKind.SOFT_BOUNCED or (kind is FactKind.AUTO_REPLIED and not delivered)
        assert ("(soft bounce)" in words) == soft, code
        assert words.startswith(("Delayed", "Deferred")) >= (kind is FactKind.DELAYED), code
        if kind is FactKind.DELAYED:
            assert "ounced" not in words.replace("has bounced before", ""), code


@pytest.mark.parametrize(
    ("kind", "code", "delivered", "words"),
    [
        (FactKind.SOFT_BOUNCED, "mailbox_full", False, "Mailbox full (soft bounce)"),
        (FactKind.BOUNCED, "mailbox_full", False, "Mailbox full (hard bounce)"),
        (FactKind.BOUNCED, "general", False, "Refused without a stated reason (hard bounce)"),
        (FactKind.AUTO_REPLIED, "general", False, "Refused without a stated reason (soft bounce)"),
        (FactKind.AUTO_REPLIED, "general", True, "An automatic reply came back (out of office)"),
        (FactKind.DELAYED, "general", False, "Delayed without a stated reason"),
        (FactKind.DELAYED, "undetermined", False, "Delayed for an unknown reason"),
        (FactKind.DELAYED, "mailbox_full", False, "Delayed: mailbox full"),
        (FactKind.DELAYED, "ip_failure", False, "Delayed: the sending IP address is blocked or slowed"),
        (FactKind.COMPLAINED, "abuse", True, "Marked as spam"),
        (FactKind.REJECTED, "bad_content", False, "Rejected by Amazon SES: it found a virus"),
        (FactKind.REFUSED, "MESSAGE_REJECTED", False, "Rejected by Amazon SES"),
        (FactKind.REFUSED, "SomethingNew", False, "Something new"),
        (FactKind.SOFT_BOUNCED, "greylisted_by_policy", False, "Greylisted by policy (soft bounce)"),
        (FactKind.DELIVERED, None, True, None),
        (FactKind.DELAYED, None, False, None),
    ],
)
def test_the_words(kind: FactKind, code: str | None, delivered: bool, words: str | None) -> None:
    assert explain(kind, code, delivered=delivered) == words
