"""The vocabulary of facts: whatever happens to a recipient, by whatever road it is heard, is one of these."""

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID


class FactKind(StrEnum):
    """What happened."""

    ACCEPTED = "accepted"
    """The provider took the email: said by its answer, or proved by any event about it."""
    UNKNOWN = "unknown"
    """The hand-off was cut short: neither proved nor disproved."""
    REQUEUED = "requeued"
    """A new attempt begins (its `attempt` is higher than any before)."""
    REFUSED = "refused"
    """The provider certainly did not take it, and never will."""
    SENT = "send"
    DELIVERED = "delivery"
    DELAYED = "delivery_delay"
    SOFT_BOUNCED = "soft_bounce"
    AUTO_REPLIED = "auto_reply"
    """A general transient bounce: an out-of-office reply where the mail was delivered."""
    BOUNCED = "bounce"
    COMPLAINED = "complaint"
    REJECTED = "reject"
    """Taken by the provider, then thrown away by it (a virus, a template that cannot be filled)."""
    OPENED = "open"
    CLICKED = "click"
    UNSUBSCRIBED = "unsubscribe"
    RESUBSCRIBED = "resubscribe"
    NOTED = "note"
    """The provider's own opens and clicks, unknown types: kept in the history, and proof of no more than that
    the provider took the email."""


class RecipientKey(NamedTuple):
    """Names one recipient; a tuple, as facts are."""

    school_id: UUID
    campaign_id: UUID
    number: int

    def __hash__(self) -> int:
        """Hash what tells recipients apart within a school: UUID's own hash is slow, and asked for often."""
        return hash((self.campaign_id.int, self.number))

    def order(self) -> tuple[int, int, int]:
        """Return the place in PostgreSQL's order of the primary key: a UUID's as its unsigned number."""
        return (self.school_id.int, self.campaign_id.int, self.number)


class Fact(NamedTuple):
    """One thing that happened to one recipient at one instant.

    With a `key` (16 bytes, the same for every copy of the same event) it also enters the history, once;
    opens and clicks count only when they are new there. `machine` says why it is no person's doing, `agent`
    what the visitor's program called itself. A tuple, because facts come by the thousand a second.
    """

    recipient: RecipientKey
    kind: FactKind
    at: datetime
    key: bytes | None = None
    attempt: int = 1
    message_id: str | None = None
    mailed_at: datetime | None = None
    code: str | None = None
    diagnostic: str | None = None
    machine: str | None = None
    link: int | None = None
    note: str | None = None
    agent: str | None = None
