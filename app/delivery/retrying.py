"""Retrying: who failed, or can never be decided on, is put back in the queue as a new attempt.

A person's wish stands in the campaign's row, and so does how far it is carried out: each step puts back a
part in a transaction of its own, so that a crash between two loses nobody and repeats nobody.
"""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql
from app.recipients.requeue import Requeued, find_last_number, requeue_failed, requeue_unknown

NUMBERS_AT_ONCE = 10_000
BATCHES_AT_ONCE = 200

_FIND: Final = """
    SELECT school_id, id FROM campaigns
    WHERE status = 'sending' AND (retry_from IS NOT NULL OR retry_unknown_before IS NOT NULL)
    ORDER BY school_id, id
"""
# One step at a time for each campaign. Not by a lock on its row: no pause must wait for it, and settlements
# lock recipients first.
_HOLD: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended($1::uuid::text, 0))"
_READ: Final = """
    SELECT retry_from, retry_unknown_before FROM campaigns
    WHERE school_id = $1 AND id = $2 AND status = 'sending'
"""
_UNDECIDED: Final = """
    SELECT number, recipients FROM batches
    WHERE school_id = $1 AND campaign_id = $2 AND state = 'undecided' AND unknown_since < $3
    ORDER BY number LIMIT $4 FOR UPDATE
"""
_CLOSE: Final = """
    UPDATE batches SET state = 'done'
    WHERE school_id = $1 AND campaign_id = $2 AND number = ANY ($3::bigint[])
"""
_CUT: Final = """
    INSERT INTO batches (school_id, campaign_id, recipients, attempt)
    SELECT $1::uuid, $2::uuid, array_agg(number ORDER BY number), attempt
    FROM (
        SELECT number, attempt,
            (row_number() OVER (PARTITION BY attempt ORDER BY number) - 1) / $5::int AS part
        FROM unnest($3::int[], $4::int[]) AS again (number, attempt)
    ) AS placed
    GROUP BY attempt, part
    ORDER BY min(number)
"""
# Of the wish that was read: one that came meanwhile stands, and begins anew.
_GO_ON: Final = "UPDATE campaigns SET retry_from = $4 WHERE school_id = $1 AND id = $2 AND retry_from = $3"
_NO_MORE_UNKNOWN: Final = """
    UPDATE campaigns SET retry_unknown_before = NULL
    WHERE school_id = $1 AND id = $2 AND retry_unknown_before = $3
"""


async def find_retried(connection: AsyncConnection) -> list[tuple[UUID, UUID]]:
    """Return the campaigns under way that have people to put back."""
    return [(row[0], row[1]) for row in await run_sql(connection, _FIND)]


async def put_back_some(
    connection: AsyncConnection, school_id: UUID, campaign_id: UUID, *, batch_size: int
) -> bool:
    """Put the next of them back and cut them into batches; False when none are left or another is at it."""
    ((is_ours,),) = await run_sql(connection, _HOLD, campaign_id)
    rows = await run_sql(connection, _READ, school_id, campaign_id) if is_ours else ()
    if not rows:
        return False
    ((first, unknown_before),) = rows
    # The failed first: who was unknown and fails now is behind us, and not sent to a third time.
    if first is not None:
        again = await _put_back_failed(connection, school_id, campaign_id, first)
    elif unknown_before is not None:
        again = await _put_back_unknown(connection, school_id, campaign_id, unknown_before)
    else:
        return False
    numbers, attempts = [number for number, _ in again], [attempt for _, attempt in again]
    await run_sql(connection, _CUT, school_id, campaign_id, numbers, attempts, batch_size)
    return True


async def _put_back_unknown(
    connection: AsyncConnection, school_id: UUID, campaign_id: UUID, before: datetime
) -> Requeued:
    """Put back those of some undecided batches, and close the batches."""
    batches = await run_sql(connection, _UNDECIDED, school_id, campaign_id, before, BATCHES_AT_ONCE)
    numbers = [number for batch in batches for number in batch.recipients]
    again = await requeue_unknown(connection, school_id, campaign_id, numbers=numbers)
    await run_sql(connection, _CLOSE, school_id, campaign_id, [batch.number for batch in batches])
    if len(batches) < BATCHES_AT_ONCE:
        await run_sql(connection, _NO_MORE_UNKNOWN, school_id, campaign_id, before)
    return again


async def _put_back_failed(
    connection: AsyncConnection, school_id: UUID, campaign_id: UUID, first: int
) -> Requeued:
    """Put back those who failed among the next numbers: who fails again meanwhile is behind us."""
    last = max(first, 1) + NUMBERS_AT_ONCE - 1
    again = await requeue_failed(connection, school_id, campaign_id, first=first, last=last)
    end = await find_last_number(connection, school_id, campaign_id)
    await run_sql(connection, _GO_ON, school_id, campaign_id, first, last + 1 if last < end else None)
    return again


def begin_anew(retry_from: int | None) -> int:
    """Return from which number on to put back those who failed, when a person asks for it (again).

    All of them: from 1 on, or from a number below, so that a step under way can tell the wish from its own.
    """
    return 1 if retry_from is None else min(retry_from, 1) - 1
