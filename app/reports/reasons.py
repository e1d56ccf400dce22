"""Why a mail fared as it did, in plain words (pure)."""

from app.mail.reasons import describe
from app.mail.types import MailEventKind
from app.recipients.facts import FactKind

_EVENT_KINDS = {
    FactKind.SOFT_BOUNCED: MailEventKind.SOFT_BOUNCE,
    FactKind.BOUNCED: MailEventKind.BOUNCE,
    FactKind.COMPLAINED: MailEventKind.COMPLAINT,
    FactKind.REJECTED: MailEventKind.REJECT,
}
# These codes' sentences speak of a bounce, and a delay is none.
_DELAYS = {"general": "Delayed without a stated reason", "undetermined": "Delayed for an unknown reason"}
_SAY_SO = ("Delayed", "Deferred")


def explain(kind: FactKind, code: str | None, *, delivered: bool = False) -> str | None:
    """Say why this happened; None where there is no more to say than that it did.

    An automatic reply is a general transient bounce: one about a mail that was `delivered` is an
    out-of-office message, one about any other is a bounce
    (https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types).
    """
    if kind is FactKind.AUTO_REPLIED:
        bounced = describe(code or "", MailEventKind.SOFT_BOUNCE)
        return "An automatic reply came back (out of office)" if delivered else bounced or None
    words = describe(code or "", _EVENT_KINDS.get(kind, MailEventKind.OTHER))
    if kind is FactKind.DELAYED and words:
        words = _DELAYS.get(code or "", words)
        return words if words.startswith(_SAY_SO) else f"Delayed: {words[:1].lower()}{words[1:]}"
    return words or None
