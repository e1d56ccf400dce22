"""Who attends which course, and when."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, ExternalId, Instant
from app.directory.models.record import Record, reference


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
