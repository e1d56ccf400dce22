"""Reports as the API answers them."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field
from typing_extensions import TypeAliasType

from app.campaigns.schemas import LinkView
from app.core.schema import Instant, View, exemplify

DeliveryStatus = TypeAliasType(
    "DeliveryStatus",
    Literal[
        "queued",
        "sending",
        "accepted",
        "delivered",
        "complained",
        "soft_bounced",
        "bounced",
        "failed",
        "unknown",
    ],
)
Bucket = TypeAliasType("Bucket", Literal["minute", "hour", "day"])
Highlight = TypeAliasType("Highlight", Literal["danger", "success"])


class RecipientView(View):
    """One recipient of a campaign and what became of their mail."""

    model_config = exemplify(
        id=7,
        user="u-7",
        name="Ines Jensen",
        profile_url="https://riverside.example/people/u-7",
        email="ines.jensen@riverside.example",
        sent=True,
        sent_at="2026-03-02T09:00:01Z",
        delivery_status="delivered",
        delivery_reason=None,
        diagnostic=None,
        opened=True,
        first_opened_at="2026-03-02T09:12:40Z",
        last_opened_at="2026-03-02T18:03:11Z",
        open_count=2,
        clicked=True,
        first_clicked_at="2026-03-02T09:13:05Z",
        last_clicked_at="2026-03-02T09:13:05Z",
        click_count=1,
        machine_opened=False,
        machine_clicked=False,
        unsubscribed=False,
        highlight="success",
    )

    id: int = Field(description="The recipient's number in the campaign.")
    user: str | None = Field(description="The platform's own id; null once the person was erased.")
    name: str
    profile_url: str | None = Field(description="Made by the school's `profile_url_template`.")
    email: str | None = Field(description="Null once the person was erased.")
    sent: bool = Field(description="Whether SES took the mail.")
    sent_at: Instant | None
    delivery_status: DeliveryStatus
    delivery_reason: str | None = Field(description="In plain words.")
    diagnostic: str | None = Field(description="In the mail servers' own words.")
    opened: bool = Field(description="By a person: what machines open is told apart.")
    first_opened_at: Instant | None = Field(description="A click without an image loaded is an open too.")
    last_opened_at: Instant | None
    open_count: int = Field(description="How often the images were loaded.")
    clicked: bool = Field(description="By a person: what machines follow is told apart.")
    first_clicked_at: Instant | None
    last_clicked_at: Instant | None
    click_count: int = Field(description="How often links were followed.")
    machine_opened: bool = Field(description="Whether an image proxy or a scanner loaded the images.")
    machine_clicked: bool = Field(description="Whether a scanner followed a link.")
    unsubscribed: bool = Field(description="Whether they unsubscribed from this campaign.")
    highlight: Highlight | None = Field(
        description="The row's colour: `danger` for bounces and failures, `success` for opens."
    )


class EventView(View):
    """One thing that happened to a recipient's mail."""

    model_config = exemplify(
        kind="clicked",
        at="2026-03-02T09:13:05Z",
        reason=None,
        code=None,
        diagnostic=None,
        machine=None,
    )

    kind: str = Field(
        description="`sent`, `delivered`, `delayed`, `soft_bounced`, `auto_replied`, `bounced`, "
        "`complained`, `failed`, `opened`, `clicked`, `unsubscribed`, `resubscribed`, or `ses_…` for what "
        "else Amazon SES told."
    )
    at: Instant
    reason: str | None = Field(description="In plain words.")
    code: str | None = Field(description="The enhanced status code (RFC 3463), such as `5.1.1`.")
    diagnostic: str | None = Field(description="In the mail servers' own words.")
    machine: str | None = Field(description="Why this was told to be a machine's doing; null for a person's.")
    link: LinkView | None = Field(description="The link that was clicked.")


class RecipientDetail(RecipientView):
    """One recipient with the history of their mail, in the order of its instants."""

    events: Sequence[EventView]
    events_omitted: int = Field(
        description="How many later events there are beyond the first 1,000.", examples=[0]
    )


class LinkReport(LinkView):
    """A link, and who followed it."""

    model_config = exemplify(
        number=1,
        url="https://riverside.example/choir",
        clicks=40,
        unique_clickers=31,
        machine_clicks=3,
    )

    clicks: int = Field(description="How often people followed it.")
    unique_clickers: int = Field(description="People; one who followed two links is counted at both.")
    machine_clicks: int = Field(description="How often machines followed it.")


class TimelineBucket(View):
    """What happened in one minute, hour or day; opens and clicks are people's first."""

    model_config = exemplify(
        start="2026-03-02T09:00:00Z",
        local="2026-03-02T10:00:00+01:00",
        sent=119,
        delivered=115,
        opened=52,
        clicked=20,
    )

    start: Instant = Field(description="The first instant that belongs to it.")
    local: str = Field(description="The start on the school's clocks, with the offset they have then.")
    sent: int
    delivered: int
    opened: int
    clicked: int


class Timeline(View):
    """How a campaign went, without gaps from the first bucket in which something happened to the last."""

    model_config = exemplify(bucket="hour", timezone="Europe/Madrid")

    bucket: Bucket
    timezone: str = Field(description="The school's.")
    items: Sequence[TimelineBucket]


class Outcome(View):
    """What became of the mail to some recipients."""

    model_config = exemplify(
        recipients=80,
        sent=80,
        delivered=78,
        bounced=1,
        complained=1,
        failed=0,
        opened=57,
        clicked=22,
    )

    recipients: int
    sent: int = Field(description="Mails that SES took.")
    delivered: int = Field(description="Taken by the recipient's mail server.")
    bounced: int = Field(description="Permanent and soft bounces.")
    complained: int = Field(description="Marked as spam; they count as delivered too.")
    failed: int = Field(description="Refused by SES.")
    opened: int = Field(description="People who opened the mail, or followed a link.")
    clicked: int = Field(description="People who followed a link.")


class DomainOutcome(Outcome):
    """What became of the mail to one mailbox provider."""

    domain: str | None = Field(
        description="Null for people who were erased since.", examples=["mail.example"]
    )


class RestOutcome(Outcome):
    """What became of the mail to all other mailbox providers together."""

    model_config = exemplify(
        domains=1,
        recipients=40,
        sent=39,
        delivered=37,
        bounced=1,
        complained=0,
        failed=1,
        opened=23,
        clicked=9,
    )

    domains: int = Field(description="How many providers these are.")


class DomainReport(View):
    """The mailbox providers with the most recipients, most first, and the rest as one."""

    items: Sequence[DomainOutcome]
    rest: RestOutcome | None = Field(description="Null where all are listed.")
