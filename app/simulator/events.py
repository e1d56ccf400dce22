"""The JSON of event publishing, field for field as SES writes it.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from app.core import clock
from app.simulator.fate import Act, draw
from app.simulator.mailbox import Mail, find_rendering_fault, make_message_ids, render_subject
from app.simulator.template import RenderingFailed

JsonObject = dict[str, Any]

_MTA = "a8-70.smtp-out.amazonses.com"


def describe_event(act: Act, mail: Mail, account_id: str, at: datetime) -> JsonObject:
    """Return the event SES publishes for an act; raises KeyError for an act it does not see."""
    name, key, details = _EVENTS[act]
    return {"eventType": name, "mail": _describe_mail(mail, account_id), key: details(mail, format_time(at))}


def format_time(at: datetime) -> str:
    """Return an instant as SES and SNS write it: UTC, milliseconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def _describe_mail(mail: Mail, account_id: str) -> JsonObject:
    envelope = mail.envelope
    domain = envelope.sender.rpartition("@")[2].rstrip("> ")
    try:
        subject = render_subject(mail)
    except (RenderingFailed, ValueError):
        subject = ""
    headers = [
        ("From", envelope.sender),
        ("To", ", ".join(mail.destination)),
        ("Subject", subject),
        ("MIME-Version", "1.0"),
        *mail.headers,
    ]
    return {
        "timestamp": format_time(datetime.fromtimestamp(mail.accepted_at, UTC)),
        "source": envelope.sender,
        "sourceArn": f"arn:aws:ses:us-east-1:{account_id}:identity/{domain}",
        "sendingAccountId": account_id,
        "messageId": mail.message_id,
        "destination": list(mail.destination),
        "headersTruncated": False,
        "headers": [{"name": name, "value": value} for name, value in headers],
        "commonHeaders": {
            "from": [envelope.sender],
            "to": list(mail.destination),
            "messageId": mail.message_id,
            "subject": subject,
        },
        "tags": {name: [value] for name, value in _list_tags(mail, domain)},
    }


def _list_tags(mail: Mail, domain: str) -> Iterator[tuple[str, str]]:
    yield "ses:source-ip", "192.0.2.0"
    yield "ses:configuration-set", mail.envelope.configuration_set or ""
    yield "ses:from-domain", domain
    yield "ses:caller-identity", "campaigns"
    yield from mail.tags


def _describe_send(_mail: Mail, _at: str) -> JsonObject:
    return {}


def _describe_delivery(mail: Mail, at: str) -> JsonObject:
    return {
        "timestamp": at,
        "processingTimeMillis": max(0, int((clock.now().timestamp() - mail.accepted_at) * 1000)),
        "recipients": [mail.address],
        "smtpResponse": "250 2.0.0 OK",
        "reportingMTA": _MTA,
    }


def _describe_bounce(mail: Mail, at: str) -> JsonObject:
    subtype = "NoEmail" if draw(0, mail.address, "bounce subtype") < 0.5 else "General"
    diagnostic = "smtp; 550 5.1.1 user unknown"
    return _bounce(mail, at, "Permanent", subtype, status="5.1.1", diagnostic=diagnostic)


def _describe_suppression(mail: Mail, at: str) -> JsonObject:
    diagnostic = (
        "Amazon SES has suppressed sending to this address because it has a recent history of bouncing as an "
        "invalid address."
    )
    return _bounce(mail, at, "Permanent", "Suppressed", status="5.1.1", diagnostic=diagnostic)


def _describe_soft_bounce(mail: Mail, at: str) -> JsonObject:
    if draw(0, mail.address, "bounce subtype") < 0.5:
        diagnostic = "smtp; 552 5.2.2 mailbox full"
        return _bounce(mail, at, "Transient", "MailboxFull", status="5.2.2", diagnostic=diagnostic)
    diagnostic = "smtp; 450 4.0.0 temporary failure"
    return _bounce(mail, at, "Transient", "General", status="4.0.0", diagnostic=diagnostic)


def _describe_out_of_office(mail: Mail, at: str) -> JsonObject:
    # An automatic reply carries no status or diagnostic: the address alone.
    bounce = _bounce(mail, at, "Transient", "General", status="", diagnostic="")
    return bounce | {"bouncedRecipients": [{"emailAddress": mail.address}]}


def _bounce(mail: Mail, at: str, kind: str, subtype: str, *, status: str, diagnostic: str) -> JsonObject:
    return {
        "feedbackId": _make_feedback_id(),
        "bounceType": kind,
        "bounceSubType": subtype,
        "bouncedRecipients": [
            {
                "emailAddress": mail.address,
                "action": "failed",
                "status": status,
                "diagnosticCode": diagnostic,
            }
        ],
        "timestamp": at,
        "reportingMTA": f"dns; {_MTA}",
    }


def _describe_complaint(mail: Mail, at: str) -> JsonObject:
    return {
        "feedbackId": _make_feedback_id(),
        "complaintSubType": None,
        "complainedRecipients": [{"emailAddress": mail.address}],
        "timestamp": at,
        "userAgent": "Amazon SES Mailbox Simulator",
        "complaintFeedbackType": "abuse",
        "arrivalDate": at,
    }


def _describe_reject(_mail: Mail, _at: str) -> JsonObject:
    return {"reason": "Bad content"}


def _describe_delay(mail: Mail, at: str) -> JsonObject:
    return {
        "timestamp": at,
        "delayType": "TransientCommunicationFailure",
        "expirationTime": format_time(clock.now() + timedelta(hours=14)),
        "delayedRecipients": [
            {
                "emailAddress": mail.address,
                "status": "4.4.1",
                "diagnosticCode": "smtp; 421 4.4.1 Unable to connect to remote host",
            }
        ],
    }


def _describe_rendering_failure(mail: Mail, _at: str) -> JsonObject:
    return {"errorMessage": find_rendering_fault(mail) or "", "templateName": "InlineTemplate"}


def _make_feedback_id() -> str:
    return next(make_message_ids(1, clock.now().timestamp()))


_EVENTS: dict[Act, tuple[str, str, Callable[[Mail, str], JsonObject]]] = {
    Act.SEND: ("Send", "send", _describe_send),
    Act.DELIVER: ("Delivery", "delivery", _describe_delivery),
    Act.BOUNCE: ("Bounce", "bounce", _describe_bounce),
    Act.SUPPRESS: ("Bounce", "bounce", _describe_suppression),
    Act.SOFT_BOUNCE: ("Bounce", "bounce", _describe_soft_bounce),
    Act.REPLY_OUT_OF_OFFICE: ("Bounce", "bounce", _describe_out_of_office),
    Act.COMPLAIN: ("Complaint", "complaint", _describe_complaint),
    Act.REJECT: ("Reject", "reject", _describe_reject),
    Act.DELAY: ("DeliveryDelay", "deliveryDelay", _describe_delay),
    Act.FAIL_RENDERING: ("Rendering Failure", "failure", _describe_rendering_failure),
}
