"""What every record of the directory has: its school, the platform's id, and how it refers to others."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import ExternalId, Instant


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
