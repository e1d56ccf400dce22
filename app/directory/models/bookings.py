"""Who has booked a place, and when."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, ExternalId, Instant
from app.directory.models.record import Record, reference


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
