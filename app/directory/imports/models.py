"""Tables of imports: how far each is, and why rows of it were rejected."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Instant

ZERO = text("0")


class Import(Base):
    """One file: running, completed, or failed with the reason (what was stored until then stays)."""

    __tablename__ = "imports"

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    resource: Mapped[str]
    format: Mapped[str]
    status: Mapped[str] = mapped_column(server_default="running")
    status_reason: Mapped[str | None]
    rows_read: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    rows_stored: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    rows_rejected: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    created: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    updated: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    unchanged: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    preferences_kept: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    bytes_read: Mapped[int] = mapped_column(BigInteger, server_default=ZERO)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    progressed_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    """When it was last heard of: while it runs, often; so one whose process died is told from the living."""
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class ImportRejection(Base):
    """Why one row of a file was not stored: where it stands, which field, what is wrong with it."""

    __tablename__ = "import_rejections"
    __table_args__ = (
        ForeignKeyConstraint(
            ["school_id", "import_id"], ["imports.school_id", "imports.id"], ondelete="CASCADE"
        ),
    )

    school_id: Mapped[UUID] = mapped_column(primary_key=True)
    import_id: Mapped[UUID] = mapped_column(primary_key=True)
    line: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """The line of the file on which the row begins, from 1."""
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    field: Mapped[str]
    reason: Mapped[str]
