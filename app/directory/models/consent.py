"""What an address wishes and suffers; it outlives the people who had it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Bytes, Instant


class Unsubscription(Base):
    """An address that wants no more mail of a type; holds for every user who has it, now or later."""

    __tablename__ = "unsubscriptions"

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    address_key: Mapped[bytes] = mapped_column(Bytes, primary_key=True)
    message_type: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(Instant)
    source: Mapped[str]
    campaign_id: Mapped[UUID | None]


class PreferenceChange(Base):
    """The proof of consent: every change with when, how, and from which campaign. Append only."""

    __tablename__ = "preference_changes"
    __table_args__ = (Index(None, "school_id", "address_key", "changed_at"),)

    # No foreign key: a sync writes these by the thousand, with its school locked.
    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    address_key: Mapped[bytes] = mapped_column(Bytes)
    message_type: Mapped[str]
    preference: Mapped[str]
    source: Mapped[str]
    campaign_id: Mapped[UUID | None]
    changed_at: Mapped[datetime] = mapped_column(Instant)


class Suppression(Base):
    """An address that must not be mailed at all: bounces, a complaint, or by hand."""

    __tablename__ = "suppressions"
    __table_args__ = (Index(None, "school_id", "created_at", "address_key"),)

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    address_key: Mapped[bytes] = mapped_column(Bytes, primary_key=True)
    email: Mapped[str | None]
    """Null once the person was erased; the hash alone goes on suppressing."""
    reason: Mapped[str]
    origin: Mapped[str]
    campaign_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class SoftBounce(Base):
    """An address that soft bounced, or was taken off the suppression list; the lock under which it is judged.

    The bounces themselves are facts about recipients.
    """

    __tablename__ = "soft_bounces"

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    address_key: Mapped[bytes] = mapped_column(Bytes, primary_key=True)
    counted_from: Mapped[datetime | None] = mapped_column(Instant)
    """When the address was last taken off the suppression list: earlier bounces no longer count."""
