"""The mail port's own vocabulary: what goes out, what came of it, what was heard later.

Providers are translated into these words at the edge; nothing above this package knows SES's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple


class OutgoingEmail(NamedTuple):
    """One recipient's part of a batch.

    `values` fills the batch's template; every variable the template names must be in it (SES answers
    SUCCESS for a missing one and fails later). `headers` and `tags` are put on this email alone.
    """

    address: str
    values: Mapping[str, str]
    headers: Mapping[str, str] = MappingProxyType({})
    tags: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OutgoingBatch:
    """One call to the provider: one template, at most 50 recipients.

    `subject`, `html` and `text` are templates with `{{name}}` variables. `sender` is a bare address;
    `sender_name` is any text, encoded as RFC 2047 by the port.
    """

    sender: str
    sender_name: str
    reply_to: str | None
    subject: str
    html: str
    text: str
    emails: tuple[OutgoingEmail, ...]
    tenant: str | None = None


@dataclass(frozen=True, slots=True)
class SingleEmail:
    """A complete email to one address, nothing left to fill in: a test message."""

    sender: str
    sender_name: str
    reply_to: str | None
    address: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    tenant: str | None = None


class OutcomeKind(StrEnum):
    """What became of handing one email to the provider."""

    SENT = "sent"
    """Accepted: `message_id` is known."""
    RETRY = "retry"
    """Certainly not sent; slow down and try again."""
    QUOTA = "quota"
    """Certainly not sent: the account's 24-hour quota is used up."""
    HALT = "halt"
    """Certainly not sent, nor will any other be until a person acts: pause the campaign."""
    SPLIT = "split"
    """Certainly not sent: the call as a whole was refused, one of its entries may be to blame."""
    FAILED = "failed"
    """Certainly not sent, and never will be: this recipient failed."""
    UNKNOWN = "unknown"
    """Perhaps sent: only evidence can tell."""


class Outcome(NamedTuple):
    """The outcome for one email; `code` is the provider's word, `detail` its sentence."""

    kind: OutcomeKind
    message_id: str | None = None
    code: str = ""
    detail: str = ""


class QuotaUnavailable(Exception):
    """SES did not tell the account's limits."""


@dataclass(frozen=True, slots=True)
class SendingQuota:
    """The account's limits as the provider states them: recipients a second, recipients in 24 hours.

    `max_24_hours` is -1 where there is no limit.
    """

    max_send_rate: float
    max_24_hours: float
    sent_last_24_hours: float
    sending_enabled: bool


class MailEventKind(StrEnum):
    """What a provider's event says happened to a message."""

    SEND = "send"
    DELIVERY = "delivery"
    BOUNCE = "bounce"
    SOFT_BOUNCE = "soft_bounce"
    COMPLAINT = "complaint"
    REJECT = "reject"
    RENDERING_FAILURE = "rendering_failure"
    DELIVERY_DELAY = "delivery_delay"
    OPEN = "open"
    CLICK = "click"
    SUBSCRIPTION = "subscription"
    OTHER = "other"


class MailEvent(NamedTuple):
    """One event about ONE address of one message (a provider's event naming two becomes two of these).

    `key` identifies the event whatever the number of times it is delivered: two copies of one event have
    the same key, two events never do. `code` is a stable word of ours where we have one (`mailbox_full`,
    `no_such_user`, `general` …), `diagnostic` the provider's own words. `address` is bare, as the provider
    wrote it; empty when the event names none (Reject and Rendering Failure name the message's destinations).
    """

    kind: MailEventKind
    key: bytes
    message_id: str
    occurred_at: datetime
    mailed_at: datetime
    address: str
    tags: Mapping[str, str]
    code: str = ""
    diagnostic: str = ""
    bot: bool = False
    raw: Mapping[str, Any] = MappingProxyType({})
