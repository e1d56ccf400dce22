"""The work of sending: one row is one SES call."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Identity, Index, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Integer

from app.core.db import Base, Instant


class Batch(Base):
    """At most 50 recipients to hand to SES in one call.

    `state`: due -> calling -> done; calling -> unknown when the answer never came, and then done once every
    recipient is settled, or undecided where no evidence can come, until a person has it sent again. `fence`
    grows with each claim: a worker that lost its lease is recognised by the one it still holds.
    """

    __tablename__ = "batches"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "campaign_id"], ["campaigns.school_id", "campaigns.id"], ondelete="CASCADE"
        ),
        Index(
            "ix_batches_due",
            "school_id",
            "campaign_id",
            "priority",
            "number",
            postgresql_where=text("state = 'due'"),
        ),
        Index(
            "ix_batches_open",
            "school_id",
            "campaign_id",
            "state",
            postgresql_where=text("state IN ('calling', 'unknown', 'undecided')"),
        ),
    )

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    campaign_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    recipients: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    """Numbers of recipients of the campaign."""
    state: Mapped[str] = mapped_column(server_default="due")
    attempt: Mapped[int] = mapped_column(server_default=text("1"))
    tries: Mapped[int] = mapped_column(server_default=text("0"))
    """How often it was certainly not sent and put back (throttled)."""
    priority: Mapped[int] = mapped_column(server_default="0")
    """The lowest goes first: halves of a refused call do, so that who is to blame is soon alone."""
    fence: Mapped[int] = mapped_column(server_default=text("0"))
    not_before: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    called_at: Mapped[datetime | None] = mapped_column(Instant)
    unknown_since: Mapped[datetime | None] = mapped_column(Instant)
    doubt: Mapped[str | None]
    """Why nobody knows whether SES took it, in plain words."""
