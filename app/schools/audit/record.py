"""The one writer of the audit trail. Any feature adds lines; they commit with what they tell of, or not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import structlog
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.ids import new_id
from app.schools.models import AuditEntry

_ACTOR = "actor"
_ACTION = re.compile(r"[a-z][a-z-]*\.[a-z][a-z_]*")
WITHHELD, ERASED = "withheld", "erased"


class ActorKind(StrEnum):
    """What kind of credential acted."""

    KEY = "key"
    PERSON = "person"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a key or a person by the id their credential carries, and the name it had at the time."""

    kind: ActorKind
    id: str
    name: str


OPERATOR = Actor(ActorKind.OPERATOR, "command-line", "Command line")
SYSTEM = Actor(ActorKind.SYSTEM, "system", "The system itself")


def set_actor(session: AsyncSession, actor: Actor) -> None:
    """Note who acts in this session, so that features need not pass them on."""
    session.info[_ACTOR] = actor


def get_actor(session: AsyncSession) -> Actor:
    """Return who acts in this session: the system itself where nobody was noted."""
    actor: Actor = session.info.get(_ACTOR, SYSTEM)
    return actor


def record(
    session: AsyncSession,
    action: str,
    *,
    school_id: UUID,
    kind: str,
    object_id: object = None,
    actor: Actor | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Add an entry to the transaction: `verb.noun`, the object, and small details without personal data.

    A platform may use addresses as ids of its users: such an id is withheld.
    """
    if not _ACTION.fullmatch(action):
        raise ValueError("an action is verb.noun")
    who = actor or get_actor(session)
    session.add(
        AuditEntry(
            school_id=school_id,
            id=new_id(),
            at=now(),
            action=action,
            actor_kind=who.kind,
            actor_id=who.id,
            actor_name=who.name,
            object_kind=kind,
            object_id=_withhold_address(object_id),
            request_id=structlog.contextvars.get_contextvars().get("request_id"),
            details={name: value for name, value in (details or {}).items() if value is not None},
        )
    )


def _withhold_address(object_id: object) -> str | None:
    name = None if object_id is None else str(object_id)
    return WITHHELD if name is not None and "@" in name else name


async def forget_object(session: AsyncSession, *, school_id: UUID, kind: str, object_id: str) -> None:
    """Leave of an object that is erased no more than that something was done to it; the owner's to do."""
    await session.execute(
        update(AuditEntry)
        .where(
            AuditEntry.school_id == school_id,
            AuditEntry.object_kind == kind,
            AuditEntry.object_id == object_id,
        )
        .values(object_id=ERASED)
        .execution_options(synchronize_session=False)
    )
