"""Events that cannot be applied yet: kept as they came, and tried again with growing pauses."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.feedback.models import ParkedEvent
from app.mail.types import MailEvent

NOBODY = UUID(int=0)
FIRST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(hours=1)
MOST_TRIES = 200
"""After about a week of hourly tries an event is only kept: it is another deployment's."""


async def park_events(connection: AsyncConnection, events: Sequence[MailEvent], *, reason: str) -> None:
    """Keep these events; one that is parked already stays as it is."""
    rows = [
        {
            "school_id": NOBODY,
            "key": event.key,
            "reason": reason,
            "event": dict(event.raw),
            "next_try_at": now() + FIRST_PAUSE,
        }
        for event in sorted({event.key: event for event in events}.values(), key=lambda event: event.key)
    ]
    if not rows:
        return
    await connection.execute(insert(ParkedEvent).values(rows).on_conflict_do_nothing())


async def keep_events(connection: AsyncConnection, events: Sequence[MailEvent], *, reason: str) -> None:
    """Keep events that will never be applied, so that a person can look at them; one parked before stays."""
    await park_events(connection, events, reason=reason)
    if events:
        await give_up(connection, [event.key for event in events], reason=reason)


async def keep_message(
    connection: AsyncConnection, *, key: bytes, reason: str, body: Mapping[str, Any]
) -> None:
    """Keep something that will never be applied, so that a person can look at it."""
    await connection.execute(
        insert(ParkedEvent)
        .values(school_id=NOBODY, key=key, reason=reason, event=dict(body), tries=MOST_TRIES)
        .on_conflict_do_nothing()
    )


class Parked(NamedTuple):
    """A parked event as it came, by the key it is parked under."""

    key: bytes
    event: Mapping[str, Any]
    received_at: datetime


async def take_due(connection: AsyncConnection, *, limit: int) -> list[Parked]:
    """Lock the parked events whose time has come; each is put off before it is tried."""
    pause = func.least(LONGEST_PAUSE, FIRST_PAUSE * func.power(2, func.least(ParkedEvent.tries, 20)))
    due = (
        select(ParkedEvent.school_id, ParkedEvent.key)
        .where(ParkedEvent.next_try_at <= now(), ParkedEvent.tries < MOST_TRIES)
        .order_by(ParkedEvent.next_try_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = await connection.execute(
        update(ParkedEvent)
        .where(tuple_(ParkedEvent.school_id, ParkedEvent.key).in_(due))
        .values(next_try_at=func.now() + pause, tries=ParkedEvent.tries + 1)
        .returning(ParkedEvent.key, ParkedEvent.event, ParkedEvent.received_at)
    )
    return [Parked(*row) for row in rows]


async def give_up(connection: AsyncConnection, keys: Sequence[bytes], *, reason: str) -> None:
    """Only keep these from now on, so that a person can look at them."""
    await connection.execute(
        update(ParkedEvent)
        .where(ParkedEvent.school_id == NOBODY, ParkedEvent.key.in_(sorted(keys)))
        .values(reason=reason, tries=MOST_TRIES)
    )


async def forget_events(connection: AsyncConnection, keys: Sequence[bytes]) -> None:
    """Drop parked events that were applied at last."""
    if keys:
        await connection.execute(
            delete(ParkedEvent).where(ParkedEvent.school_id == NOBODY, ParkedEvent.key.in_(keys))
        )
