"""What can be done with a school's suppression list."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.errors import NotFound
from app.core.pages import decode_cursor, make_page
from app.core.schema import Page
from app.directory.addresses import hash_address
from app.directory.consent import lift_suppressions, suppress_addresses
from app.directory.models import SoftBounce, Suppression
from app.directory.suppressions.schemas import (
    SuppressionEntry,
    SuppressionItem,
    SuppressionReason,
    SuppressionsAdded,
    SuppressionsRemoved,
)
from app.schools.audit.record import record
from app.schools.models import School
from app.schools.service import get_school


async def list_suppressions(
    session: AsyncSession,
    *,
    school_id: UUID,
    reason: SuppressionReason | None,
    q: str | None,
    limit: int,
    cursor: str | None,
) -> Page[SuppressionEntry]:
    """Return a page, newest first; `q` is an address, which finds an erased one too, or how one begins."""
    place = (Suppression.created_at, Suppression.address_key)
    query = select(Suppression).where(Suppression.school_id == school_id)
    if reason:
        query = query.where(Suppression.reason == reason)
    if q:
        school = await get_school(session, school_id=school_id)
        begins = func.lower(Suppression.email).startswith(q.lower(), autoescape=True)
        is_it = Suppression.address_key == hash_address(school.address_secret, q)
        query = query.where(or_(is_it, begins))
    if cursor:
        query = query.where(tuple_(*place) < decode_cursor(cursor, datetime.fromisoformat, bytes.fromhex))
    query = query.order_by(*(column.desc() for column in place)).limit(limit + 1)
    return make_page(
        (await session.scalars(query)).all(),
        limit=limit,
        view=_show,
        key=lambda row: (row.created_at, row.address_key.hex()),
    )


async def add_suppressions(
    session: AsyncSession, *, school_id: UUID, items: Sequence[SuppressionItem]
) -> SuppressionsAdded:
    """Suppress addresses by hand, whether anybody has them or not; who is on the list stays as they are."""
    # No sync may land between: it would not know of these, nor this of its users.
    school = await get_school(session, school_id=school_id, for_update=True)
    rows: dict[bytes, dict[str, object]] = {
        address_key: {
            "school_id": school_id,
            "address_key": address_key,
            "email": address,
            "reason": "manual",
            "origin": "api",
            "campaign_id": None,
        }
        for address_key, address in _hash_items(school, items).items()
    }
    added = await suppress_addresses(session, rows.values())
    record(session, "add.suppressions", school_id=school_id, kind="suppressions", details={"added": added})
    return SuppressionsAdded(added=added, already_suppressed=len(rows) - added)


async def remove_suppressions(
    session: AsyncSession, *, school_id: UUID, items: Sequence[SuppressionItem]
) -> SuppressionsRemoved:
    """Take addresses off the list, whatever put them there; unsubscriptions stay."""
    school = await get_school(session, school_id=school_id, for_update=True)
    address_keys = _hash_items(school, items)
    removed = await _remove(session, school_id, address_keys)
    details = {"removed": removed}
    record(session, "remove.suppressions", school_id=school_id, kind="suppressions", details=details)
    return SuppressionsRemoved(removed=removed, not_suppressed=len(address_keys) - removed)


async def remove_suppression(session: AsyncSession, *, school_id: UUID, suppression_id: UUID) -> None:
    """Take one entry off the list, or raise NotFound."""
    await get_school(session, school_id=school_id, for_update=True)
    if not await _remove(session, school_id, [suppression_id.bytes]):
        raise NotFound("There is no such suppression.")
    record(session, "remove.suppression", school_id=school_id, kind="suppression", object_id=suppression_id)


def _hash_items(school: School, items: Sequence[SuppressionItem]) -> dict[bytes, str]:
    """Return the addresses by their hashes; of two ways to write one the first stays."""
    return {hash_address(school.address_secret, item.address): item.address for item in reversed(items)}


async def _remove(session: AsyncSession, school_id: UUID, address_keys: Collection[bytes]) -> int:
    """Remove them, and let their soft bounces be counted anew: else the next one would suppress again."""
    on_list = await session.scalars(
        select(Suppression.address_key).where(
            Suppression.school_id == school_id, Suppression.address_key.in_(address_keys)
        )
    )
    rows = [{"school_id": school_id, "address_key": key, "counted_from": now()} for key in sorted(on_list)]
    if not rows:
        return 0
    # Before the list itself, as feedback does: neither waits for the other then.
    anew = insert(SoftBounce).values(rows)
    await session.execute(
        anew.on_conflict_do_update(
            index_elements=[SoftBounce.school_id, SoftBounce.address_key],
            set_={"counted_from": anew.excluded.counted_from},
        )
    )
    return await lift_suppressions(session, [(school_id, key) for key in address_keys])


def _show(row: Suppression) -> SuppressionEntry:
    return SuppressionEntry.model_validate(
        {
            "id": UUID(bytes=row.address_key),
            "address": row.email,
            "reason": row.reason,
            "origin": row.origin,
            "campaign_id": row.campaign_id,
            "created_at": row.created_at,
        }
    )
