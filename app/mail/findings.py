"""What an SES event says of one recipient: which kind of event, why, and in whose words (pure).

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from app.mail.json_fields import read_text
from app.mail.reasons import to_code
from app.mail.types import MailEventKind

_SUBTYPES: Mapping[str, str] = {"NoEmail": "no_such_user"}

# RFC 3463 §3, RFC 7505 (x.1.10): subject and detail, whatever the class.
_STATUSES: Mapping[str, str] = {
    "1.1": "no_such_user",
    "1.2": "no_such_domain",
    "1.6": "no_such_user",
    "1.10": "no_such_domain",
    "2.1": "mailbox_disabled",
    "2.2": "mailbox_full",
    "2.3": "message_too_large",
    "3.4": "message_too_large",
    "6.1": "content_rejected",
    "7.1": "policy_rejected",
}


class Finding(NamedTuple):
    """The kind may differ from the event's own: a bounce can be soft, a complaint be taken back."""

    kind: MailEventKind
    code: str = ""
    diagnostic: str = ""
    bot: bool = False


def find(
    kind: MailEventKind, event_type: str, detail: Mapping[str, Any], recipient: Mapping[str, Any]
) -> Finding:
    """Read the event's detail and the recipient's part of it; raise MalformedEvent as the readers do."""
    match kind:
        case MailEventKind.BOUNCE:
            return _find_bounce(detail, recipient)
        case MailEventKind.COMPLAINT:
            return _find_complaint(detail)
        case MailEventKind.DELIVERY:
            return Finding(kind, diagnostic=read_text(detail, "smtpResponse"))
        case MailEventKind.DELIVERY_DELAY:
            return Finding(kind, to_code(read_text(detail, "delayType")), _read_diagnostic(recipient))
        case MailEventKind.REJECT:
            reason = read_text(detail, "reason")
            return Finding(kind, to_code(reason), reason)
        case MailEventKind.RENDERING_FAILURE:
            return Finding(kind, "rendering_failure", read_text(detail, "errorMessage"))
        case MailEventKind.OTHER:
            return Finding(kind, to_code(event_type))
        case _:
            # isBotEvent: `open` and `click` objects carry it; its absence means nothing.
            return Finding(kind, bot=detail.get("isBotEvent") == "Likely")


def classify_bounce(bounce_type: str, subtype: str, status: str) -> str:
    """Return a code for the bounce of one recipient.

    `Permanent`/`General` says little, so the status code of the recipient's server refines it.
    `Transient`/`General` stays `general`, whatever its status: after a delivery it is an automatic reply.
    """
    if subtype in {"General", "Undetermined", ""} and bounce_type != "Transient":
        refined = _STATUSES.get(status.strip().partition(".")[2])
        if refined:
            return refined
    return _SUBTYPES.get(subtype) or to_code(subtype) or "undetermined"


def _find_bounce(detail: Mapping[str, Any], recipient: Mapping[str, Any]) -> Finding:
    """Permanent is a bounce; Transient and Undetermined, and any type to come, are soft."""
    bounce_type = read_text(detail, "bounceType")
    kind = MailEventKind.BOUNCE if bounce_type == "Permanent" else MailEventKind.SOFT_BOUNCE
    code = classify_bounce(bounce_type, read_text(detail, "bounceSubType"), read_text(recipient, "status"))
    return Finding(kind, code, _read_diagnostic(recipient))


def _find_complaint(detail: Mapping[str, Any]) -> Finding:
    """A `not-spam` report takes a complaint back (RFC 6430 §3): it must not unsubscribe anybody."""
    feedback = to_code(read_text(detail, "complaintFeedbackType"))
    subtype = to_code(read_text(detail, "complaintSubType"))
    kind = MailEventKind.OTHER if feedback == "not_spam" else MailEventKind.COMPLAINT
    return Finding(kind, subtype or feedback or "complaint", read_text(detail, "userAgent"))


def _read_diagnostic(recipient: Mapping[str, Any]) -> str:
    words = (read_text(recipient, name) for name in ("diagnosticCode", "status", "action"))
    return next((word for word in words if word), "")
