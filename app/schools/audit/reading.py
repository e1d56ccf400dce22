"""The audit trail, newest first."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.pages import decode_cursor, make_page
from app.core.schema import Page
from app.schools.audit.record import ActorKind
from app.schools.audit.schemas import ActorView, AuditEntryView, ObjectView
from app.schools.models import AuditEntry


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries: of an action, of an actor's id, from an instant on, before another."""

    action: str | None = None
    actor: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_entries(
    session: AsyncSession, *, school_id: UUID, where: AuditFilter, limit: int, cursor: str | None
) -> Page[AuditEntryView]:
    """Return a page of what was done in the school; `since` is included, `until` is not."""
    place = (AuditEntry.at, AuditEntry.id)
    query = select(AuditEntry).where(AuditEntry.school_id == school_id)
    if where.action is not None:
        query = query.where(AuditEntry.action == where.action)
    if where.actor is not None:
        query = query.where(AuditEntry.actor_id == where.actor)
    if where.since is not None:
        query = query.where(AuditEntry.at >= where.since)
    if where.until is not None:
        query = query.where(AuditEntry.at < where.until)
    if cursor:
        query = query.where(tuple_(*place) < decode_cursor(cursor, datetime.fromisoformat, UUID))
    query = query.order_by(*(column.desc() for column in place)).limit(limit + 1)
    return make_page(
        (await session.scalars(query)).all(),
        limit=limit,
        view=_show,
        key=lambda row: (row.at, str(row.id)),
    )


def _show(row: AuditEntry) -> AuditEntryView:
    return AuditEntryView(
        id=row.id,
        at=row.at,
        action=row.action,
        actor=ActorView(kind=ActorKind(row.actor_kind), id=row.actor_id, name=row.actor_name),
        object=ObjectView(kind=row.object_kind, id=row.object_id),
        request_id=row.request_id,
        details=row.details,
    )
