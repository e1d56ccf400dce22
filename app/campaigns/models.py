"""Tables of the campaign as it was accepted."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Computed, ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Bytes, Instant, Json


class Campaign(Base):
    """One message to many, as sent, and where it stands."""

    __tablename__ = "campaigns"
    __table_args__ = (
        Index("ix_campaigns_list", "school_id", "listed_at", "id"),
        Index("ix_campaigns_status", "status"),
    )

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    message_type: Mapped[str]
    status: Mapped[str]
    status_reason: Mapped[str | None]
    subject: Mapped[str]
    preheader: Mapped[str | None]
    html: Mapped[str]
    text: Mapped[str | None]
    compiled: Mapped[dict[str, Any]] = mapped_column(Json)
    """The message compiled once into SES templates (content.compile)."""
    from_name: Mapped[str]
    from_email: Mapped[str]
    reply_to: Mapped[str | None]
    audience: Mapped[dict[str, Any]] = mapped_column(Json)
    track_opens: Mapped[bool]
    track_clicks: Mapped[bool]
    sent_by_id: Mapped[str]
    sent_by_name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    scheduled_for: Mapped[datetime | None] = mapped_column(Instant)
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    """When it was dispatched: its acceptance, or the start of a scheduled one."""
    listed_at: Mapped[datetime | None] = mapped_column(
        Instant, Computed("coalesce(sent_at, completed_at)", persisted=True)
    )
    """Its place in the list: what is still to be sent has none and comes first; then newest first."""
    frozen_at: Mapped[datetime | None] = mapped_column(Instant)
    completed_at: Mapped[datetime | None] = mapped_column(Instant)
    accepted_bounce_rate: Mapped[float | None]
    """The share of hard bounces that a person took on by resuming; so with complaints below."""
    accepted_complaint_rate: Mapped[float | None]
    retry_from: Mapped[int | None]
    """From this number on those who failed are still to be put back; null when that is not asked for.

    Recipients are numbered from 1: a lower number is another wish to begin with the first.
    """
    retry_unknown_before: Mapped[datetime | None] = mapped_column(Instant)
    """Undecided batches older than this are to be put back too; null when that is not asked for."""
    lone_refusals: Mapped[int] = mapped_column(server_default="0")
    """How many calls to a single recipient SES has refused in the same words since a person let it go on."""
    lone_refusal: Mapped[bytes | None] = mapped_column(Bytes)
    """The hash of the words: they may name an address."""


class CampaignLink(Base):
    """A destination in the message; a click can lead to one of these and nowhere else."""

    __tablename__ = "campaign_links"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "campaign_id"], ["campaigns.school_id", "campaigns.id"], ondelete="CASCADE"
        ),
    )

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    destination: Mapped[str]


class IdempotencyKey(Base):
    """A key a caller has used, what it stood for, and what was answered."""

    __tablename__ = "idempotency_keys"

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    body_hash: Mapped[bytes] = mapped_column(Bytes)
    answer: Mapped[dict[str, Any] | None] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
