"""Who belongs to which group."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, ExternalId
from app.directory.models.record import Record, reference


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
