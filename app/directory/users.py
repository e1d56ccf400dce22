"""How users land: as other records, with their address hashed and their wishes respected."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, Select, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.db import Bytes, ExternalId, Instant
from app.directory.addresses import hash_address, read_address
from app.directory.consent import ConsentChange, change_consent
from app.directory.models import User
from app.directory.resources import Resource
from app.directory.schemas import UserItem, UserSyncResult
from app.directory.settling import lift_unsubscriptions, note_changes, settle_users, stamp_changes
from app.directory.upsert import Pushed, Row, columns_of, table_of, upsert_from
from app.schools.models import School
from app.schools.service import get_school

_OWN = ("school_id", *(name for name in UserItem.model_fields if name != "preferences_changed_at"))
_OF_ADDRESS = ("address_key", "wire_address")
PUSHED = columns_of(User, (*_OWN, *_OF_ADDRESS), preferences_changed_at=Instant)
"""What is pushed of a user."""

# Probes, as in `lookup`.
_FIND_MISMARKED = text("""
    SELECT holder.external_id
    FROM (
        SELECT CAST(:school_id AS uuid) AS school_id, unnest(:keys) AS key OFFSET 0
    ) AS wanted CROSS JOIN LATERAL (
        SELECT external_id, shares_address, count(*) OVER () > 1 AS shares
        FROM users WHERE school_id = wanted.school_id AND address_key = wanted.key
    ) AS holder
    WHERE holder.shares_address <> holder.shares
""").bindparams(bindparam("keys", type_=ARRAY(Bytes)))

# Of those who had unsubscribed at the address they left, and did not subscribe again since.
_FIND_TAKEN_ALONG = text("""
    SELECT DISTINCT holder.address_key, gone.message_type, gone.since, gone.source, gone.campaign_id
    FROM unnest(:left, :movers) AS moved (address_key, external_id)
    JOIN unsubscriptions gone ON gone.school_id = :school_id AND gone.address_key = moved.address_key
    JOIN users holder ON holder.school_id = :school_id AND holder.external_id = moved.external_id
    WHERE CASE gone.message_type WHEN 'marketing' THEN holder.marketing ELSE holder.newsletter END
        = 'unsubscribed'
    ORDER BY holder.address_key, gone.message_type, gone.since
""").bindparams(bindparam("left", type_=ARRAY(Bytes)), bindparam("movers", type_=ARRAY(ExternalId)))


def make_user(school: School, item: UserItem) -> Row:
    """Make an item a row, its address hashed and made ready for the wire.

    A wish is never of the future, whatever the platform's clock says: no later one could be told from it.
    """
    changed_at = item.preferences_changed_at
    return {
        "school_id": school.id,
        **item.__dict__,
        "preferences_changed_at": changed_at and min(changed_at, now()),
        "address_key": hash_address(school.address_secret, item.email),
        "wire_address": read_address(item.email).wire,
    }


async def land_users(
    session: AsyncSession, *, school_id: UUID, resource: Resource, pushed: Pushed
) -> UserSyncResult:
    """Upsert users; a pushed `subscribed` never undoes an unsubscription made here, unless it is newer."""
    del resource
    # Two syncs at once must not both take their user for the only one with an address.
    await get_school(session, school_id=school_id, for_update=True)
    landed = await session.execute(_land_statement(pushed.rows), {**pushed.values, **stamp_changes(now())})
    created, changed, kept, lifted, came, went, movers = landed.one()
    if lifted:
        lift = lift_unsubscriptions(pushed.rows).execution_options(synchronize_session=False)
        await session.execute(lift, pushed.values)
    if movers:
        await _take_unsubscriptions_along(session, school_id=school_id, left=went, movers=movers)
    await mark_shared_addresses(session, school_id=school_id, address_keys={*(came or ()), *(went or ())})
    return UserSyncResult(
        created=created,
        updated=changed - created,
        unchanged=pushed.count - changed,
        preferences_kept=kept,
    )


@cache
def _land_statement(rows: FromClause) -> Select[Any]:
    """Return the statement that upserts users: how many came and changed, and whose addresses moved."""
    settled = settle_users(rows)
    upserted = upsert_from(table_of(User), (*_OWN, *_OF_ADDRESS, "suppressed"), settled)
    return select(
        select(func.count()).select_from(upserted).where(upserted.c.created).scalar_subquery(),
        select(func.count()).select_from(upserted).scalar_subquery(),
        func.coalesce(func.sum(settled.c.kept), 0),
        func.coalesce(func.sum(settled.c.lifted), 0),
        func.array_agg(settled.c.address_key).filter(settled.c.moved),
        func.array_agg(settled.c.left_address).filter(settled.c.left_address.is_not(None)),
        func.array_agg(settled.c.external_id).filter(settled.c.left_address.is_not(None)),
    ).add_cte(note_changes(settled))


async def _take_unsubscriptions_along(
    session: AsyncSession, *, school_id: UUID, left: Sequence[bytes], movers: Sequence[str]
) -> None:
    """Let the wish of who unsubscribed hold at the address they have now, for everybody who has it."""
    values = {"school_id": school_id, "left": list(left), "movers": list(movers)}
    connection = await session.connection()
    for row in (await session.execute(_FIND_TAKEN_ALONG, values)).all():
        change = ConsentChange(
            school_id=school_id,
            address_key=row.address_key,
            message_type=row.message_type,
            unsubscribed=True,
            source=row.source,
            campaign_id=row.campaign_id,
            at=row.since,
        )
        await change_consent(connection, change)


async def mark_shared_addresses(
    session: AsyncSession, *, school_id: UUID, address_keys: Collection[bytes]
) -> None:
    """Keep `shares_address` true of exactly those who are not the only one with their address."""
    if not address_keys:
        return
    found = await session.scalars(_FIND_MISMARKED, {"school_id": school_id, "keys": list(address_keys)})
    if mismarked := found.all():
        await session.execute(
            update(User)
            .where(User.school_id == school_id, User.external_id == func.any(mismarked))
            .values(shares_address=~User.shares_address)
            .execution_options(synchronize_session=False)
        )
