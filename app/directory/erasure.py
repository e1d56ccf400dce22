"""Erasing a person: their records go, and what must outlive them keeps neither their name nor their address.

What stays is a keyed hash: the proof of consent, the unsubscription and the suppression of an address hold
for whoever has it next.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import become_owner
from app.directory.holdings import Holding
from app.directory.models import Suppression, User
from app.directory.queries import get_record
from app.directory.users import mark_shared_addresses
from app.schools.audit.record import ERASED, forget_object, record
from app.schools.service import get_school


async def hold_erasures(session: AsyncSession, *, school_id: UUID) -> None:
    """Let nobody of the school be erased until this transaction ends.

    For what copies people elsewhere: it must not bring back somebody who was erased while it looked.
    """
    await session.execute(select(func.pg_advisory_xact_lock_shared(_number_lock(school_id))))


async def erase_user(
    session: AsyncSession, *, school_id: UUID, external_id: str, holdings: Sequence[Holding]
) -> None:
    """Remove a user with all their records and take them out of everything else; NotFound when unknown.

    The session goes on as the owner: a tenant may not write to campaigns' people and history.
    """
    await become_owner(session)
    await session.execute(select(func.pg_advisory_xact_lock(_number_lock(school_id))))
    await get_school(session, school_id=school_id, for_update=True)
    user = await get_record(session, school_id=school_id, model=User, external_id=external_id)
    assert isinstance(user, User)
    address_keys = {user.address_key}
    for holding in holdings:
        address_keys.update(await holding.erase(session, user))
    # Last, as feedback does: recipients before users, or the two could wait for each other.
    await session.execute(
        delete(User)
        .where(User.school_id == school_id, User.external_id == external_id)
        .execution_options(synchronize_session=False)
    )
    await mark_shared_addresses(session, school_id=school_id, address_keys=[user.address_key])
    await forget_object(session, school_id=school_id, kind="user", object_id=external_id)
    record(session, "erase.user", school_id=school_id, kind="user", object_id=ERASED)
    await _forget_suppressed(session, school_id=school_id, address_keys=address_keys)


async def _forget_suppressed(
    session: AsyncSession, *, school_id: UUID, address_keys: Collection[bytes]
) -> None:
    """Leave of these suppressions the hash alone, unless another user has the address: then it is theirs."""
    somebody_has_it = exists().where(User.school_id == school_id, User.address_key == Suppression.address_key)
    await session.execute(
        update(Suppression)
        .where(
            Suppression.school_id == school_id,
            Suppression.address_key == func.any(list(address_keys)),
            ~somebody_has_it,
        )
        .values(email=None)
        .execution_options(synchronize_session=False)
    )


def _number_lock(school_id: UUID) -> int:
    return int.from_bytes(school_id.bytes[8:], signed=True)
