"""What people bought."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, ExternalId, Instant
from app.directory.models.record import Record, reference


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
