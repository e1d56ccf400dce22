"""Passes that people hold."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, ExternalId, Instant
from app.directory.models.record import Record, reference


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
