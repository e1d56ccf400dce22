"""Preferences as they are changed here: by recipients, complaints and administrators.

An unsubscription holds for the address, so it reaches every user of the school who has it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Boolean, delete, func, literal_column, select, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.core.ids import new_id
from app.directory.models import PreferenceChange, Suppression, Unsubscription, User

SUBSCRIBABLE = ("marketing", "newsletter")
SOFT_BOUNCED = "soft_bounced"
"""The reason of a suppression that soft bounces in a row made."""
Connection = AsyncSession | AsyncConnection


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One address's wish about one message type: when, how, and from which campaign."""

    school_id: UUID
    address_key: bytes
    message_type: str
    unsubscribed: bool
    source: str
    campaign_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Consent:
    """What an address wishes, in message types; the users who share it need not all wish the same."""

    unsubscribed: frozenset[str]
    """Left, by the address itself or, as the platform says, by one of the users who have it."""
    mailed: frozenset[str]
    """Sent to the address: at least one of the users who have it may be mailed."""


async def change_consent(connection: Connection, change: ConsentChange) -> bool:
    """Apply a wish and keep the proof of it; return whether anything changed (repeating changes nothing).

    It is the wish of everybody who has the address, so a wish to be mailed also lifts what the platform had
    pushed as unsubscribed.
    """
    changed = await (_unsubscribe if change.unsubscribed else _resubscribe)(connection, change)
    preference = "unsubscribed" if change.unsubscribed else "subscribed"
    column = User.__table__.c[change.message_type]
    users = await connection.execute(
        update(User)
        .where(
            User.school_id == change.school_id,
            User.address_key == change.address_key,
            column != preference,
        )
        .values({change.message_type: preference, "updated_at": func.now()})
        .returning(User.external_id)
        .execution_options(synchronize_session=False)
    )
    if users.first() is None and not changed:
        return False
    await connection.execute(
        insert(PreferenceChange).values(
            school_id=change.school_id,
            id=new_id(),
            address_key=change.address_key,
            message_type=change.message_type,
            preference=preference,
            source=change.source,
            campaign_id=change.campaign_id,
            changed_at=change.at,
        )
    )
    return True


async def _unsubscribe(connection: Connection, change: ConsentChange) -> bool:
    inserted = await connection.execute(
        insert(Unsubscription)
        .values(
            school_id=change.school_id,
            address_key=change.address_key,
            message_type=change.message_type,
            since=change.at,
            source=change.source,
            campaign_id=change.campaign_id,
        )
        .on_conflict_do_nothing()
        .returning(Unsubscription.message_type)
    )
    return inserted.first() is not None


async def _resubscribe(connection: Connection, change: ConsentChange) -> bool:
    removed = await connection.execute(
        delete(Unsubscription)
        .where(
            Unsubscription.school_id == change.school_id,
            Unsubscription.address_key == change.address_key,
            Unsubscription.message_type == change.message_type,
        )
        .returning(Unsubscription.message_type)
        .execution_options(synchronize_session=False)
    )
    return removed.first() is not None


async def read_consent(
    connection: Connection, *, school_id: UUID, address_key: bytes, require_opt_in: bool
) -> Consent:
    """Return what an address wishes, as it decides who is mailed; `require_opt_in` is the school's rule."""
    left = await read_left(connection, school_id=school_id, address_key=address_key)
    rows = await connection.execute(
        select(User.marketing, User.newsletter).where(
            User.school_id == school_id, User.address_key == address_key
        )
    )
    users = rows.all()
    states = {kind: {getattr(user, kind) for user in users} for kind in SUBSCRIBABLE}
    willing = {"subscribed"} if require_opt_in else {"subscribed", "unset"}
    nobody_said = set() if require_opt_in else {"unset"}
    return Consent(
        unsubscribed=left | {kind for kind in SUBSCRIBABLE if "unsubscribed" in states[kind]},
        mailed=frozenset(
            kind for kind in SUBSCRIBABLE if kind not in left and (states[kind] or nobody_said) & willing
        ),
    )


async def read_left(connection: Connection, *, school_id: UUID, address_key: bytes) -> frozenset[str]:
    """Return the message types that an address was unsubscribed from here, whoever has it."""
    rows = await connection.execute(
        select(Unsubscription.message_type).where(
            Unsubscription.school_id == school_id, Unsubscription.address_key == address_key
        )
    )
    return frozenset(rows.scalars())


async def suppress_addresses(connection: Connection, suppressions: Iterable[dict[str, object]]) -> int:
    """Add addresses, each once, to their school's suppression list; return how many were not on it.

    The first reason stays, save that soft bounces give way to any other: they can be disproved.
    """
    rows = sorted(suppressions, key=lambda row: (str(row["school_id"]), row["address_key"]))
    if not rows:
        return 0
    added = insert(Suppression).values(rows)
    changes = {name: added.excluded[name] for name in ("reason", "origin", "campaign_id")}
    write = added.on_conflict_do_update(
        index_elements=[Suppression.school_id, Suppression.address_key],
        set_=changes,
        where=Suppression.reason == SOFT_BOUNCED,
    ).returning(literal_column("xmax = 0", Boolean))
    inserted = (await connection.execute(write)).scalars().all()
    named = [(row["school_id"], row["address_key"]) for row in rows]
    await _mark_suppressed(connection, named, suppressed=True)
    return sum(inserted)


async def lift_suppressions(
    connection: Connection, addresses: Collection[tuple[UUID, bytes]], *, reason: str | None = None
) -> int:
    """Take addresses, by school and hash, off the list, of one reason or any; return how many were on it."""
    if not addresses:
        return 0
    lifted = await connection.execute(
        delete(Suppression)
        .where(
            tuple_(Suppression.school_id, Suppression.address_key).in_(sorted(addresses)),
            Suppression.reason == reason if reason else true(),
        )
        .returning(Suppression.school_id, Suppression.address_key)
        .execution_options(synchronize_session=False)
    )
    named = [(row.school_id, row.address_key) for row in lifted]
    if named:
        await _mark_suppressed(connection, named, suppressed=False)
    return len(named)


async def _mark_suppressed(
    connection: Connection, addresses: Collection[tuple[object, object]], *, suppressed: bool
) -> None:
    await connection.execute(
        update(User)
        .where(tuple_(User.school_id, User.address_key).in_(addresses), User.suppressed.is_not(suppressed))
        .values(suppressed=suppressed)
        .execution_options(synchronize_session=False)
    )
