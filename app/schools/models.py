"""Tables of the tenant itself."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Text

from app.core.db import Base, Bytes, Instant, Json


class School(Base):
    """One tenant: who writes to its users, and by which rules."""

    __tablename__ = "schools"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    timezone: Mapped[str]
    from_name: Mapped[str]
    from_email: Mapped[str]
    reply_to: Mapped[str | None]
    postal_address: Mapped[str]
    profile_url_template: Mapped[str | None]
    require_opt_in: Mapped[bool] = mapped_column(server_default="false")
    soft_bounce_limit: Mapped[int] = mapped_column(server_default="5")
    guard_bounce_rate: Mapped[float] = mapped_column(server_default="0.04")
    guard_complaint_rate: Mapped[float] = mapped_column(server_default="0.0008")
    guard_minimum: Mapped[int] = mapped_column(server_default="500")
    ses_tenant: Mapped[str | None]
    colour: Mapped[str | None]
    address_secret: Mapped[bytes] = mapped_column(Bytes)
    """Keys the hashes of addresses, so that a suppression can outlive the address itself."""
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())


class ApiKey(Base):
    """A credential of an integration; the secret itself is shown once and never stored."""

    __tablename__ = "api_keys"

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    secret_hash: Mapped[bytes] = mapped_column(Bytes)
    created_at: Mapped[datetime] = mapped_column(Instant, server_default=func.now())
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    created_by_kind: Mapped[str | None]
    created_by_id: Mapped[str | None]
    created_by_name: Mapped[str | None]


class AuditEntry(Base):
    """Something that somebody has done; a tenant may add to these and read them, nothing else."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_school_id_at_id", "school_id", "at", "id"),)

    school_id: Mapped[UUID] = mapped_column(ForeignKey("schools.id", ondelete="CASCADE"), primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    action: Mapped[str]
    actor_kind: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str]
    object_kind: Mapped[str]
    object_id: Mapped[str | None]
    request_id: Mapped[str | None]
    details: Mapped[dict[str, Any]] = mapped_column(Json)
