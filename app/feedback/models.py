"""Events that could not be applied yet."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Bytes, Instant, Json


class ParkedEvent(Base):
    """An event that names nothing known yet, or that failed to apply; tried again by a sweep.

    `school_id` is the nil UUID while it is not known whose it is.
    """

    __tablename__ = "parked_events"
    __table_args__ = (Index("ix_parked_events_due", "next_try_at"),)

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(Bytes, primary_key=True)
    reason: Mapped[str]
    event: Mapped[dict[str, Any]] = mapped_column(Json)
    received_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    next_try_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
