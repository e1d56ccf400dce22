"""Tables of what a school knows of its users; the platform's `external_id` is each record's key."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Bytes, ExternalId, Instant, Json


class Record:
    """What every record of the directory has."""

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    external_id: Mapped[str] = mapped_column(ExternalId, primary_key=True)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


def reference(column: str, table: str, *, ondelete: str = "RESTRICT") -> ForeignKeyConstraint:
    """Return a foreign key to a record of the same school."""
    return ForeignKeyConstraint(
        ["school_id", column], [f"{table}.school_id", f"{table}.external_id"], ondelete=ondelete
    )


class User(Record, Base):
    """A person the school may write to."""

    __tablename__ = "users"
    __table_args__ = (
        Index(None, "school_id", "address_key"),
        Index(None, "school_id", "registered_at", postgresql_include=["external_id"]),
        Index(None, "school_id", "status", "external_id"),
        Index(
            "ix_users_subscribed",
            "school_id",
            "external_id",
            postgresql_include=["marketing", "newsletter"],
            postgresql_where="marketing = 'subscribed' OR newsletter = 'subscribed'",
        ),
        # Those who may not be mailed as simply as the others: few, and all a count has to look at closely.
        Index(
            "ix_users_obstructed",
            "school_id",
            "external_id",
            postgresql_include=[
                "wire_address",
                "suppressed",
                "shares_address",
                "marketing",
                "newsletter",
                "status",
                "address_key",
                "registered_at",
                "created_at",
            ],
            postgresql_where=(
                "wire_address IS NULL OR suppressed OR shares_address OR marketing = 'unsubscribed' "
                "OR newsletter = 'unsubscribed'"
            ),
        ),
    )

    email: Mapped[str]
    address_key: Mapped[bytes] = mapped_column(Bytes)
    wire_address: Mapped[str | None]
    """The address as SES takes it; null when it cannot be sent to."""
    first_name: Mapped[str]
    last_name: Mapped[str]
    status: Mapped[str]
    registered_at: Mapped[datetime | None] = mapped_column(Instant)
    marketing: Mapped[str]
    newsletter: Mapped[str]
    locale: Mapped[str | None]
    attributes: Mapped[dict[str, Any]] = mapped_column(Json)
    suppressed: Mapped[bool] = mapped_column(server_default="false")
    """Whether the address is on the suppression list: kept here, so that one table judges an audience."""
    shares_address: Mapped[bool] = mapped_column(server_default="false")
    """Whether another user of the school has the same address; then one of them gets the one copy."""


class Named(Record):
    """A record that is only a name."""

    name: Mapped[str]


class Trainer(Named, Base):
    """Somebody who teaches."""

    __tablename__ = "trainers"


class Category(Named, Base):
    """A kind of course."""

    __tablename__ = "categories"


class Group(Named, Base):
    """A set of users chosen by the school."""

    __tablename__ = "groups"


class Membership(Record, Base):
    """One user's place in one group."""

    __tablename__ = "memberships"
    __table_args__ = (
        reference("group", "groups", ondelete="CASCADE"),
        reference("user", "users", ondelete="CASCADE"),
        Index(None, "school_id", "group", "user"),
        Index(None, "school_id", "user"),
    )

    group: Mapped[str] = mapped_column(ExternalId)
    user: Mapped[str] = mapped_column(ExternalId)


class Course(Record, Base):
    """Something taught."""

    __tablename__ = "courses"
    __table_args__ = (
        reference("category", "categories"),
        reference("trainer", "trainers"),
        Index(None, "school_id", "category"),
        Index(None, "school_id", "trainer"),
    )

    title: Mapped[str]
    category: Mapped[str | None] = mapped_column(ExternalId)
    trainer: Mapped[str | None] = mapped_column(ExternalId)
    delivery: Mapped[str]


class Enrollment(Record, Base):
    """One user's time in one course; `ends_at` null is open."""

    __tablename__ = "enrollments"
    __table_args__ = (
        reference("user", "users", ondelete="CASCADE"),
        reference("course", "courses"),
        Index(None, "school_id", "user", postgresql_include=["status", "starts_at", "ends_at", "course"]),
        Index(None, "school_id", "course", postgresql_include=["user", "status", "starts_at", "ends_at"]),
        Index(
            "ix_enrollments_active",
            "school_id",
            "starts_at",
            postgresql_include=["ends_at", "user", "course"],
            postgresql_where="status = 'active'",
        ),
    )

    user: Mapped[str] = mapped_column(ExternalId)
    course: Mapped[str] = mapped_column(ExternalId)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime | None] = mapped_column(Instant)
    status: Mapped[str]


class Booking(Record, Base):
    """One user's place at one time; `trainer` null is the course's."""

    __tablename__ = "bookings"
    __table_args__ = (
        reference("user", "users", ondelete="CASCADE"),
        reference("course", "courses"),
        reference("trainer", "trainers"),
        Index(
            None,
            "school_id",
            "user",
            postgresql_include=["status", "starts_at", "ends_at", "course", "trainer"],
        ),
        Index(
            None,
            "school_id",
            "course",
            postgresql_include=["user", "status", "starts_at", "ends_at", "trainer"],
        ),
        Index(None, "school_id", "trainer"),
        Index(
            "ix_bookings_starts",
            "school_id",
            "starts_at",
            postgresql_include=["ends_at", "user", "course", "trainer"],
            postgresql_where="status = 'confirmed'",
        ),
        Index(
            "ix_bookings_ends",
            "school_id",
            "ends_at",
            postgresql_include=["starts_at", "user", "course", "trainer"],
            postgresql_where="status = 'confirmed'",
        ),
    )

    user: Mapped[str] = mapped_column(ExternalId)
    course: Mapped[str] = mapped_column(ExternalId)
    trainer: Mapped[str | None] = mapped_column(ExternalId)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    status: Mapped[str]


class Pass(Record, Base):
    """A right to come, for a time and a number of times; `valid_until` null is open, `credits_left` too."""

    __tablename__ = "passes"
    __table_args__ = (
        reference("user", "users", ondelete="CASCADE"),
        reference("category", "categories"),
        Index(
            None,
            "school_id",
            "user",
            postgresql_include=["status", "valid_from", "valid_until", "credits_left", "category"],
        ),
        Index(None, "school_id", "category"),
        Index("ix_passes_active", "school_id", "valid_until", postgresql_where="status = 'active'"),
    )

    user: Mapped[str] = mapped_column(ExternalId)
    category: Mapped[str | None] = mapped_column(ExternalId)
    valid_from: Mapped[datetime] = mapped_column(Instant)
    valid_until: Mapped[datetime | None] = mapped_column(Instant)
    credits_left: Mapped[int | None]
    status: Mapped[str]


class Subscription(Record, Base):
    """A running payment; `current_period_end` null is open."""

    __tablename__ = "subscriptions"
    __table_args__ = (
        reference("user", "users", ondelete="CASCADE"),
        reference("category", "categories"),
        Index(None, "school_id", "user", postgresql_include=["status", "current_period_end", "category"]),
        Index(None, "school_id", "category"),
        Index(
            "ix_subscriptions_running",
            "school_id",
            "current_period_end",
            postgresql_where="status IN ('active', 'trialing')",
        ),
    )

    user: Mapped[str] = mapped_column(ExternalId)
    category: Mapped[str | None] = mapped_column(ExternalId)
    status: Mapped[str]
    current_period_end: Mapped[datetime | None] = mapped_column(Instant)


class Order(Record, Base):
    """Something bought, with or without a course."""

    __tablename__ = "orders"
    __table_args__ = (
        reference("user", "users", ondelete="CASCADE"),
        reference("course", "courses"),
        Index(None, "school_id", "user", postgresql_include=["status", "placed_at", "course"]),
        Index(None, "school_id", "course"),
        Index(
            "ix_orders_paid",
            "school_id",
            "placed_at",
            postgresql_include=["user", "course"],
            postgresql_where="status = 'paid'",
        ),
    )

    user: Mapped[str] = mapped_column(ExternalId)
    course: Mapped[str | None] = mapped_column(ExternalId)
    placed_at: Mapped[datetime] = mapped_column(Instant)
    status: Mapped[str]


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

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    address_key: Mapped[bytes] = mapped_column(Bytes)
    message_type: Mapped[str]
    preference: Mapped[str]
    source: Mapped[str]
    campaign_id: Mapped[UUID | None]
    changed_at: Mapped[datetime] = mapped_column(Instant)


class Suppression(Base):
    """An address that must not be mailed at all: hard bounce, complaint, or by hand."""

    __tablename__ = "suppressions"

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    address_key: Mapped[bytes] = mapped_column(Bytes, primary_key=True)
    email: Mapped[str | None]
    """Null once the person was erased; the hash alone goes on suppressing."""
    reason: Mapped[str]
    origin: Mapped[str]
    campaign_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
