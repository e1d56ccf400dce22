"""Putting people back in the queue whom nobody has mailed for certain, many in one statement.

What `REQUEUED` with the next attempt would merge to, without a fact for each: a million may have failed.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql

# Who was accepted is never among them: any event about a mail proves that SES took it.
_REQUEUE: Final = """
    WITH again AS (
        SELECT r.number, r.status
        FROM recipient_outcomes r
        WHERE r.school_id = $1 AND r.campaign_id = $2 AND {chosen} AND r.accepted_at IS NULL
        ORDER BY r.number
        FOR UPDATE
    ), requeued AS (
        UPDATE recipient_outcomes r SET status = 'queued', handoff = 'queued', attempt = r.attempt + 1
        FROM again
        WHERE r.school_id = $1 AND r.campaign_id = $2 AND r.number = again.number
        RETURNING r.number, r.attempt, again.status
    )
    SELECT number, attempt, status FROM requeued ORDER BY number
"""
_FAILED: Final = _REQUEUE.format(chosen="r.number BETWEEN $3 AND $4 AND r.status = 'failed'")
_UNKNOWN: Final = _REQUEUE.format(chosen="r.number = ANY ($3::int[]) AND r.status = 'unknown'")
_COUNT: Final = """
    UPDATE campaign_counters SET failed_before = failed_before - $3, unknown = unknown - $4
    WHERE school_id = $1 AND campaign_id = $2
"""
_LAST: Final = "SELECT coalesce(max(number), 0) FROM recipients WHERE school_id = $1 AND campaign_id = $2"

Requeued = Sequence[tuple[int, int]]
"""Number and new attempt of each recipient."""


async def requeue_failed(
    connection: AsyncConnection, school_id: UUID, campaign_id: UUID, *, first: int, last: int
) -> Requeued:
    """Begin a new attempt for those of these numbers who failed before SES accepted their mail."""
    return await _requeue(connection, _FAILED, school_id, campaign_id, first, last)


async def requeue_unknown(
    connection: AsyncConnection, school_id: UUID, campaign_id: UUID, *, numbers: Sequence[int]
) -> Requeued:
    """Begin a new attempt for those of these who are still unknown; they may have the mail already."""
    return await _requeue(connection, _UNKNOWN, school_id, campaign_id, list(numbers))


async def find_last_number(connection: AsyncConnection, school_id: UUID, campaign_id: UUID) -> int:
    """Return the highest number of a recipient, 0 where there is none."""
    ((last,),) = await run_sql(connection, _LAST, school_id, campaign_id)
    return int(last)


async def _requeue(
    connection: AsyncConnection, statement: str, school_id: UUID, campaign_id: UUID, *chosen: object
) -> Requeued:
    rows = await run_sql(connection, statement, school_id, campaign_id, *chosen)
    if rows:
        unknown = sum(row.status == "unknown" for row in rows)
        await run_sql(connection, _COUNT, school_id, campaign_id, len(rows) - unknown, unknown)
    return [(row.number, row.attempt) for row in rows]
