"""Tables of the people of a campaign, what happened to each, and what it adds up to.

They hold no foreign keys to campaigns: only the system writes them, a million at a time, and no campaign
is ever removed from under them.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Bytes, ExternalId, Instant, Json

ZERO = text("0")


class Recipient(Base):
    """One person of one campaign: a snapshot of who it is, until they are erased, or excluded after all."""

    __tablename__ = "recipients"
    __table_args__ = (Index(None, "school_id", "user"),)

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)

    user: Mapped[str | None] = mapped_column(ExternalId)
    email: Mapped[str | None]
    """Null once the person was erased."""
    wire_address: Mapped[str | None]
    """The address as SES is given it, where that is not `email` itself."""
    address_key: Mapped[bytes] = mapped_column(Bytes)
    first_name: Mapped[str]
    last_name: Mapped[str]
    attributes: Mapped[dict[str, Any]] = mapped_column(Json)


class RecipientOutcome(Base):
    """What became of one recipient's mail: facts, which `outcome.py` merges.

    The row comes with the first word of them, even one that says nothing new; who has none is still queued.
    It is narrow, and apart from who they are, for this is what events change and what reports sort.
    """

    __tablename__ = "recipient_outcomes"
    __table_args__ = (
        Index(None, "school_id", "message_id", postgresql_where=text("message_id IS NOT NULL")),
        # Facts come in place (HOT) while a page has room for the new row version.
        {"postgresql_with": {"fillfactor": 70}},
    )

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)

    attempt: Mapped[int] = mapped_column(server_default="1")
    reason_rank: Mapped[int] = mapped_column(server_default=ZERO)
    open_count: Mapped[int] = mapped_column(server_default=ZERO)
    machine_open_count: Mapped[int] = mapped_column(server_default=ZERO)
    click_count: Mapped[int] = mapped_column(server_default=ZERO)
    machine_click_count: Mapped[int] = mapped_column(server_default=ZERO)
    unsubscribed: Mapped[bool] = mapped_column(server_default="false")
    suspected: Mapped[bool] = mapped_column(server_default="false")
    """Whether SES has said of an open or a click of its own that it was likely a bot's."""

    accepted_at: Mapped[datetime | None] = mapped_column(Instant)
    delivered_at: Mapped[datetime | None] = mapped_column(Instant)
    first_opened_at: Mapped[datetime | None] = mapped_column(Instant)
    last_opened_at: Mapped[datetime | None] = mapped_column(Instant)
    first_clicked_at: Mapped[datetime | None] = mapped_column(Instant)
    last_clicked_at: Mapped[datetime | None] = mapped_column(Instant)
    soft_bounced_at: Mapped[datetime | None] = mapped_column(Instant)
    auto_replied_at: Mapped[datetime | None] = mapped_column(Instant)
    bounced_at: Mapped[datetime | None] = mapped_column(Instant)
    complained_at: Mapped[datetime | None] = mapped_column(Instant)
    rejected_at: Mapped[datetime | None] = mapped_column(Instant)
    reason_at: Mapped[datetime | None] = mapped_column(Instant)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(Instant)

    user: Mapped[str | None] = mapped_column(ExternalId)
    """Whose it is, for audiences that ask what became of an earlier campaign; null once they were erased."""
    status: Mapped[str] = mapped_column(server_default="queued")
    handoff: Mapped[str] = mapped_column(server_default="queued")
    message_id: Mapped[str | None]
    reason_code: Mapped[str | None]
    diagnostic: Mapped[str | None]


class Exclusion(Base):
    """Somebody the audience matched who is not mailed, and why. Numbered in one row with the recipients."""

    __tablename__ = "exclusions"
    __table_args__ = (Index(None, "school_id", "user"),)

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    user: Mapped[str | None] = mapped_column(ExternalId)
    email: Mapped[str | None]
    name: Mapped[str]
    reason: Mapped[str]


class CampaignCounters(Base):
    """What the facts of a campaign add up to; changed in the transaction that changes the facts."""

    __tablename__ = "campaign_counters"

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    recipients: Mapped[int] = mapped_column(server_default=ZERO)
    unsubscribed_excluded: Mapped[int] = mapped_column(server_default=ZERO)
    suppressed_excluded: Mapped[int] = mapped_column(server_default=ZERO)
    duplicate_address_excluded: Mapped[int] = mapped_column(server_default=ZERO)
    unsendable_address_excluded: Mapped[int] = mapped_column(server_default=ZERO)
    erased_excluded: Mapped[int] = mapped_column(server_default=ZERO)
    unknown: Mapped[int] = mapped_column(server_default=ZERO)
    failed_before: Mapped[int] = mapped_column(server_default=ZERO)
    sent: Mapped[int] = mapped_column(server_default=ZERO)
    failed_after: Mapped[int] = mapped_column(server_default=ZERO)
    delivered: Mapped[int] = mapped_column(server_default=ZERO)
    bounced_permanent: Mapped[int] = mapped_column(server_default=ZERO)
    bounced_soft: Mapped[int] = mapped_column(server_default=ZERO)
    complained: Mapped[int] = mapped_column(server_default=ZERO)
    opened: Mapped[int] = mapped_column(server_default=ZERO)
    opened_by_click: Mapped[int] = mapped_column(server_default=ZERO)
    opens: Mapped[int] = mapped_column(server_default=ZERO)
    clicked: Mapped[int] = mapped_column(server_default=ZERO)
    clicks: Mapped[int] = mapped_column(server_default=ZERO)
    machine_opened: Mapped[int] = mapped_column(server_default=ZERO)
    machine_clicked: Mapped[int] = mapped_column(server_default=ZERO)
    unsubscribed: Mapped[int] = mapped_column(server_default=ZERO)

    accepted_until: Mapped[datetime | None] = mapped_column(Instant)
    """The latest hand-off that SES has answered with an acceptance."""
    heard_until: Mapped[datetime | None] = mapped_column(Instant)
    """How far SES's events have come: the latest mail that one of them told of."""
    heard_at: Mapped[datetime | None] = mapped_column(Instant)
    """When they last came further."""


class EmailEvent(Base):
    """History: every SES event, open and click, once each. Append only, partitioned by month."""

    __tablename__ = "email_events"
    __table_args__ = (
        # Only clicks name a link, so nothing else pays for the report of links.
        Index(
            "ix_email_events_links",
            "school_id",
            "campaign_id",
            "link",
            "number",
            postgresql_include=["machine"],
            postgresql_where=text("link IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (occurred_at)"},
    )

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    key: Mapped[bytes] = mapped_column(Bytes, primary_key=True)
    kind: Mapped[str]
    machine: Mapped[str | None]
    """Why this was told to be a machine's doing; null for a person's."""
    link: Mapped[int | None]
    code: Mapped[str | None]
    diagnostic: Mapped[str | None]
    agent: Mapped[str | None]
    """What the visitor's program called itself; null for what is no visit, and once the person was erased."""
    recorded_at: Mapped[datetime] = mapped_column(Instant, server_default=text("now()"))


class ConfigurationSet(Base):
    """When SES last published an event for a configuration set: evidence can come at all.

    Like `schools` it belongs to no school: the deployment has one.
    """

    __tablename__ = "configuration_sets"

    name: Mapped[str] = mapped_column(primary_key=True)
    last_event_at: Mapped[datetime] = mapped_column(Instant)
