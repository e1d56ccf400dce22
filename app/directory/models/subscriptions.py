"""Subscriptions that people pay for."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, ExternalId, Instant
from app.directory.models.record import Record, reference


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
