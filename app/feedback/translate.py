"""What the mail port heard becomes a fact about a recipient (pure)."""

import re
from functools import lru_cache
from uuid import UUID

from app.mail.types import MailEvent, MailEventKind
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.machine import PROVIDER

_KINDS = {
    MailEventKind.SEND: FactKind.SENT,
    MailEventKind.DELIVERY: FactKind.DELIVERED,
    MailEventKind.BOUNCE: FactKind.BOUNCED,
    MailEventKind.SOFT_BOUNCE: FactKind.SOFT_BOUNCED,
    MailEventKind.COMPLAINT: FactKind.COMPLAINED,
    MailEventKind.REJECT: FactKind.REJECTED,
    MailEventKind.RENDERING_FAILURE: FactKind.REJECTED,
    MailEventKind.DELIVERY_DELAY: FactKind.DELAYED,
}
LARGEST_NUMBER = 2**31 - 1
# Where SES tracks clicks as well, its link leads to ours.
_TRACKED_LINK = re.compile(r"/c/[\w-]+/(\d{1,4})\Z", re.ASCII)


def read_tags(event: MailEvent) -> RecipientKey | None:
    """Return the recipient that the event's tags name, or None when they name none."""
    tags = event.tags
    try:
        key = RecipientKey(
            _read_id(tags["school_id"]), _read_id(tags["campaign_id"]), int(tags["recipient_id"])
        )
    except (KeyError, ValueError):
        return None
    return key if 0 < key.number <= LARGEST_NUMBER else None


@lru_cache(maxsize=4096)  # a campaign's events come together
def _read_id(text: str) -> UUID:
    return UUID(text)


def make_fact(event: MailEvent, recipient: RecipientKey) -> Fact:
    """Say the event as a fact; the provider's own opens, clicks and unknown types are only noted."""
    kind = _KINDS.get(event.kind, FactKind.NOTED)
    if kind is FactKind.SOFT_BOUNCED and event.code == "general":
        # A general transient bounce is most often an out-of-office reply to a mail that was delivered.
        kind = FactKind.AUTO_REPLIED
    return Fact(
        recipient=recipient,
        kind=kind,
        at=event.occurred_at,
        key=event.key,
        message_id=event.message_id,
        mailed_at=event.mailed_at,
        code=event.code or None,
        diagnostic=event.diagnostic or None,
        note=f"ses_{event.kind}" if kind is FactKind.NOTED else None,
        machine=PROVIDER if event.bot and kind is FactKind.NOTED else None,
        link=_read_link(event) if event.kind is MailEventKind.CLICK else None,
    )


def _read_link(event: MailEvent) -> int | None:
    """Return the number of our own link that the provider saw followed, where it can be told."""
    detail = event.raw.get("click")
    found = _TRACKED_LINK.search(str(detail.get("link", ""))) if isinstance(detail, dict) else None
    return int(found[1]) if found else None
