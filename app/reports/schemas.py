"""Reports as the API answers them."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from app.campaigns.schemas import LinkView
from app.core.schema import Instant, View

DeliveryStatus = Literal[
    "queued",
    "sending",
    "accepted",
    "delivered",
    "complained",
    "soft_bounced",
    "bounced",
    "failed",
    "unknown",
]
Bucket = Literal["minute", "hour", "day"]


class RecipientView(View):
    """One recipient of a campaign and what became of their mail."""

    id: int = Field(description="The recipient's number in the campaign.")
    user: str | None
    name: str
    profile_url: str | None
    email: str | None = Field(description="Null once the person was erased.")
    sent: bool
    sent_at: Instant | None
    delivery_status: DeliveryStatus
    delivery_reason: str | None = Field(description="In plain words.")
    diagnostic: str | None = Field(description="In the mail servers' own words.")
    opened: bool
    first_opened_at: Instant | None = Field(description="A click without an image loaded is an open too.")
    last_opened_at: Instant | None
    open_count: int = Field(description="How often the images were loaded.")
    clicked: bool
    first_clicked_at: Instant | None
    last_clicked_at: Instant | None
    click_count: int
    machine_opened: bool
    machine_clicked: bool
    unsubscribed: bool
    highlight: Literal["danger", "success"] | None


class EventView(View):
    """One thing that happened to a recipient's mail."""

    kind: str = Field(
        description="`sent`, `delivered`, `delayed`, `soft_bounced`, `auto_replied`, `bounced`, "
        "`complained`, `failed`, `opened`, `clicked`, `unsubscribed`, `resubscribed`, or `ses_…` for what "
        "else Amazon SES told."
    )
    at: Instant
    reason: str | None = Field(description="In plain words.")
    code: str | None
    diagnostic: str | None = Field(description="In the mail servers' own words.")
    machine: str | None = Field(description="Why this was told to be a machine's doing; null for a person's.")
    link: LinkView | None = Field(description="The link that was clicked.")


class RecipientDetail(RecipientView):
    """One recipient with the history of their mail, in the order of its instants."""

    events: Sequence[EventView]
    events_omitted: int = Field(description="How many later events there are beyond the first 1,000.")


class LinkReport(LinkView):
    """A link, and who followed it."""

    clicks: int
    unique_clickers: int = Field(description="People; one who followed two links is counted at both.")
    machine_clicks: int


class TimelineBucket(View):
    """What happened in one minute, hour or day; opens and clicks are people's first."""

    start: Instant
    local: str = Field(description="The start on the school's clocks, with the offset they have then.")
    sent: int
    delivered: int
    opened: int
    clicked: int


class Timeline(View):
    """How a campaign went, without gaps from the first bucket in which something happened to the last."""

    bucket: Bucket
    timezone: str
    items: Sequence[TimelineBucket]


class Outcome(View):
    """What became of the mail to some recipients."""

    recipients: int
    sent: int
    delivered: int
    bounced: int
    complained: int
    failed: int
    opened: int
    clicked: int


class DomainOutcome(Outcome):
    """What became of the mail to one mailbox provider."""

    domain: str | None = Field(description="Null for people who were erased since.")


class RestOutcome(Outcome):
    """What became of the mail to all other mailbox providers together."""

    domains: int


class DomainReport(View):
    """The mailbox providers with the most recipients, most first, and the rest as one."""

    items: Sequence[DomainOutcome]
    rest: RestOutcome | None
