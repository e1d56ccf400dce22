"""How users land: as other records, with their address hashed and their wishes respected."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, text, tuple_
from sqlalchemy import delete as sql_delete
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.db import Bytes
from app.core.ids import new_id
from app.directory.addresses import hash_address, read_address
from app.directory.models import PreferenceChange, Suppression, Unsubscription, User
from app.directory.resources import Resource
from app.directory.schemas import UserItem, UserSyncResult
from app.directory.sync import check_duplicates, upsert_rows
from app.schools.service import get_school

TYPES = ("marketing", "newsletter")
EPOCH = datetime.min.replace(tzinfo=UTC)


_MARK_SHARED = text("""
    UPDATE users u SET shares_address = counted.many
    FROM (
        SELECT address_key, count(*) > 1 AS many FROM users
        WHERE school_id = :school_id AND address_key = ANY (:keys)
        GROUP BY address_key
    ) AS counted
    WHERE u.school_id = :school_id AND u.address_key = counted.address_key
        AND u.shares_address <> counted.many
""").bindparams(bindparam("keys", type_=ARRAY(Bytes)))


@dataclass(slots=True)
class _Wishes:
    """What a sync does to preferences: kept against it, lifted by it, changed by it."""

    kept: int = 0
    lifted: list[tuple[bytes, str]] = field(default_factory=list)
    changes: list[PreferenceChange] = field(default_factory=list)


async def sync_users(
    session: AsyncSession, *, school_id: UUID, resource: Resource, items: Sequence[UserItem]
) -> UserSyncResult:
    """Upsert users; a pushed `subscribed` never undoes an unsubscription made here, unless it is newer."""
    del resource
    check_duplicates(items)
    # Two syncs at once must not both take their user for the only one with an address.
    secret = (await get_school(session, school_id=school_id, for_update=True)).address_secret
    rows = [_make_row(school_id, secret, item) for item in items]
    before = await _read_addresses(session, school_id=school_id, items=items)
    await _mark_suppressed(session, school_id=school_id, rows=rows)
    wishes = await _apply_wishes(session, school_id=school_id, items=items, rows=rows)
    result = await upsert_rows(session, model=User, rows=rows)
    await mark_shared_addresses(
        session, school_id=school_id, address_keys=before | {row["address_key"] for row in rows}
    )
    await _store_wishes(session, school_id=school_id, wishes=wishes)
    return UserSyncResult(**result.model_dump(), preferences_kept=wishes.kept)


def _make_row(school_id: UUID, secret: bytes, item: UserItem) -> dict[str, Any]:
    return {
        "school_id": school_id,
        **item.model_dump(exclude={"preferences_changed_at"}),
        "address_key": hash_address(secret, item.email),
        "wire_address": read_address(item.email).wire,
    }


async def _read_addresses(session: AsyncSession, *, school_id: UUID, items: Sequence[UserItem]) -> set[bytes]:
    """Return the addresses that these users have had until now: others may be left with one alone."""
    return set(
        await session.scalars(
            select(User.address_key).where(
                User.school_id == school_id,
                User.external_id == func.any([item.external_id for item in items]),
            )
        )
    )


async def _mark_suppressed(session: AsyncSession, *, school_id: UUID, rows: Sequence[dict[str, Any]]) -> None:
    suppressed = set(
        await session.scalars(
            select(Suppression.address_key).where(
                Suppression.school_id == school_id,
                Suppression.address_key == func.any([row["address_key"] for row in rows]),
            )
        )
    )
    for row in rows:
        row["suppressed"] = row["address_key"] in suppressed


async def mark_shared_addresses(
    session: AsyncSession, *, school_id: UUID, address_keys: Collection[bytes]
) -> None:
    """Keep `shares_address` true of exactly those who are not the only one with their address."""
    await session.execute(_MARK_SHARED, {"school_id": school_id, "keys": list(address_keys)})


async def _apply_wishes(
    session: AsyncSession, *, school_id: UUID, items: Sequence[UserItem], rows: Sequence[dict[str, Any]]
) -> _Wishes:
    """Settle each row's preferences in place against what is stored."""
    stored = {
        row.external_id: row
        for row in await session.execute(
            select(User.external_id, User.marketing, User.newsletter).where(
                User.school_id == school_id,
                User.external_id == func.any([item.external_id for item in items]),
            )
        )
    }
    unsubscribed = {
        (row.address_key, row.message_type): row.since
        for row in await session.execute(
            select(Unsubscription.address_key, Unsubscription.message_type, Unsubscription.since).where(
                Unsubscription.school_id == school_id,
                Unsubscription.address_key == func.any([row["address_key"] for row in rows]),
            )
        )
    }
    wishes = _Wishes()
    for item, row in zip(items, rows, strict=True):
        for kind in TYPES:
            before = getattr(stored.get(item.external_id), kind, "unset")
            since = unsubscribed.get((row["address_key"], kind))
            row[kind] = _settle(item, kind, before=before, since=since, key=row["address_key"], wishes=wishes)
            if row[kind] != before:
                wishes.changes.append(_make_change(school_id, row, kind, item))
    return wishes


def _settle(
    item: UserItem, kind: str, *, before: str, since: datetime | None, key: bytes, wishes: _Wishes
) -> str:
    pushed: str | None = getattr(item, kind)
    if since is None:
        return pushed or before
    if pushed == "subscribed":
        if (item.preferences_changed_at or EPOCH) > since:
            wishes.lifted.append((key, kind))
            return pushed
        wishes.kept += 1
    return "unsubscribed"


def _make_change(school_id: UUID, row: dict[str, Any], kind: str, item: UserItem) -> PreferenceChange:
    return PreferenceChange(
        school_id=school_id,
        id=new_id(),
        address_key=row["address_key"],
        message_type=kind,
        preference=row[kind],
        source="sync",
        campaign_id=None,
        changed_at=item.preferences_changed_at or now(),
    )


async def _store_wishes(session: AsyncSession, *, school_id: UUID, wishes: _Wishes) -> None:
    session.add_all(wishes.changes)
    if wishes.lifted:
        await session.execute(
            sql_delete(Unsubscription).where(
                Unsubscription.school_id == school_id,
                tuple_(Unsubscription.address_key, Unsubscription.message_type).in_(wishes.lifted),
            )
        )
    await session.flush()
