"""What an event says of one recipient: hard or soft, why, and in whose words."""

from typing import Any

import pytest

from app.mail.types import MailEventKind
from tests.mail.ses_events import ADDRESS, make_published, parse_one


@pytest.mark.parametrize(
    ("bounce_type", "subtype", "status", "kind", "code"),
    [
        ("Permanent", "General", "5.1.1", MailEventKind.BOUNCE, "no_such_user"),
        ("Permanent", "General", "5.1.2", MailEventKind.BOUNCE, "no_such_domain"),
        ("Permanent", "General", "5.1.10", MailEventKind.BOUNCE, "no_such_domain"),
        ("Permanent", "General", "5.2.1", MailEventKind.BOUNCE, "mailbox_disabled"),
        ("Permanent", "General", "5.2.2", MailEventKind.BOUNCE, "mailbox_full"),
        ("Permanent", "General", "5.7.1", MailEventKind.BOUNCE, "policy_rejected"),
        ("Permanent", "General", "5.9.9", MailEventKind.BOUNCE, "general"),
        ("Permanent", "General", "", MailEventKind.BOUNCE, "general"),
        ("Permanent", "NoEmail", "5.2.2", MailEventKind.BOUNCE, "no_such_user"),
        ("Permanent", "Suppressed", "5.1.1", MailEventKind.BOUNCE, "suppressed"),
        (
            "Permanent",
            "OnAccountSuppressionList",
            "5.1.1",
            MailEventKind.BOUNCE,
            "on_account_suppression_list",
        ),
        ("Transient", "General", "4.2.2", MailEventKind.SOFT_BOUNCE, "general"),
        ("Transient", "MailboxFull", "5.2.2", MailEventKind.SOFT_BOUNCE, "mailbox_full"),
        ("Transient", "MessageTooLarge", "", MailEventKind.SOFT_BOUNCE, "message_too_large"),
        ("Transient", "ContentRejected", "", MailEventKind.SOFT_BOUNCE, "content_rejected"),
        ("Transient", "AttachmentRejected", "", MailEventKind.SOFT_BOUNCE, "attachment_rejected"),
        ("Transient", "CustomTimeoutExceeded", "", MailEventKind.SOFT_BOUNCE, "custom_timeout_exceeded"),
        ("Undetermined", "Undetermined", "", MailEventKind.SOFT_BOUNCE, "undetermined"),
        ("Undetermined", "Undetermined", "5.1.1", MailEventKind.SOFT_BOUNCE, "no_such_user"),
        ("SomethingNew", "NewReason", "", MailEventKind.SOFT_BOUNCE, "new_reason"),
        ("", "", "", MailEventKind.SOFT_BOUNCE, "undetermined"),
    ],
)
def test_bounces_are_hard_or_soft_and_say_why(
    bounce_type: str, subtype: str, status: str, kind: MailEventKind, code: str
) -> None:
    recipient = {"emailAddress": ADDRESS, "status": status}
    payload = make_published(
        "Bounce", bounceType=bounce_type, bounceSubType=subtype, bouncedRecipients=[recipient]
    )
    event = parse_one(payload)
    assert (event.kind, event.code) == (kind, code)


@pytest.mark.parametrize(
    ("recipient", "diagnostic"),
    [
        ({"diagnosticCode": "smtp; 550", "status": "5.0.0", "action": "failed"}, "smtp; 550"),
        ({"status": "5.0.0", "action": "failed"}, "5.0.0"),
        ({"action": "failed"}, "failed"),
        ({}, ""),
    ],
)
def test_the_diagnostic_is_the_best_there_is(recipient: dict[str, str], diagnostic: str) -> None:
    bounced = [{"emailAddress": ADDRESS, **recipient}]
    assert parse_one(make_published("Bounce", bouncedRecipients=bounced)).diagnostic == diagnostic


@pytest.mark.parametrize(
    ("changes", "kind", "code"),
    [
        ({}, MailEventKind.COMPLAINT, "abuse"),
        ({"complaintFeedbackType": "auth-failure"}, MailEventKind.COMPLAINT, "auth_failure"),
        ({"complaintFeedbackType": None}, MailEventKind.COMPLAINT, "complaint"),
        (
            {"complaintSubType": "OnAccountSuppressionList", "complaintFeedbackType": None},
            MailEventKind.COMPLAINT,
            "on_account_suppression_list",
        ),
        ({"complaintFeedbackType": "not-spam"}, MailEventKind.OTHER, "not_spam"),
    ],
)
def test_complaints_say_which(changes: dict[str, Any], kind: MailEventKind, code: str) -> None:
    event = parse_one(make_published("Complaint", **changes))
    assert (event.kind, event.code) == (kind, code)


@pytest.mark.parametrize(
    ("changes", "bot"), [({"isBotEvent": "Likely"}, True), ({"isBotEvent": "Unlikely"}, False), ({}, False)]
)
def test_bots_are_marked(changes: dict[str, str], bot: bool) -> None:
    assert parse_one(make_published("Open", **changes)).bot is bot
    assert parse_one(make_published("Click", **changes)).bot is bot
