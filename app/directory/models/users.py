"""The people of a school."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Bytes, Instant, Json
from app.directory.models.record import Record


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
