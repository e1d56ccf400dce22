"""The periodic sweep: finds by state whatever a wake-up forgot, a crash left behind, or time made due."""

from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.delivery.doubt import LEASE_ENDED
from app.delivery.settlement import describe_wait
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts

MOST_AT_ONCE = 200
log = structlog.get_logger(__name__)

_EXPIRE: Final = """
    UPDATE batches b
    SET state = 'unknown', unknown_since = now(), lease_until = NULL, fence = b.fence + 1, doubt = $2
    FROM (
        SELECT school_id, campaign_id, number FROM batches
        WHERE state = 'calling' AND lease_until < now()
        ORDER BY school_id, campaign_id, number LIMIT $1 FOR UPDATE SKIP LOCKED
    ) AS late
    WHERE (b.school_id, b.campaign_id, b.number) = (late.school_id, late.campaign_id, late.number)
    RETURNING b.school_id, b.campaign_id, b.attempt, b.recipients
"""
_START: Final = """
    UPDATE campaigns SET status = CASE WHEN late THEN 'paused' ELSE 'preparing' END,
        status_reason = CASE WHEN late THEN $2 END,
        sent_at = CASE WHEN late THEN sent_at ELSE now() END
    FROM (
        SELECT school_id AS school, id AS campaign,
            scheduled_for < now() - make_interval(mins => $1) AS late
        FROM campaigns WHERE status = 'scheduled' AND scheduled_for <= now()
        ORDER BY school_id, id FOR UPDATE SKIP LOCKED
    ) AS due
    WHERE school_id = due.school AND id = due.campaign
"""
_TO_PREPARE: Final = "SELECT school_id, id FROM campaigns WHERE status = 'preparing' ORDER BY school_id, id"
_COMPLETE: Final = """
    UPDATE campaigns c SET status = 'sent', completed_at = now(), status_reason = NULL
    FROM (
        SELECT s.school_id, s.id FROM campaigns s
        WHERE s.status = 'sending' AND s.retry_from IS NULL AND s.retry_unknown_before IS NULL
            AND NOT EXISTS (
                SELECT FROM batches b
                WHERE b.school_id = s.school_id AND b.campaign_id = s.id
                    AND b.state IN ('due', 'calling', 'unknown')
            )
        ORDER BY s.school_id, s.id FOR UPDATE SKIP LOCKED
    ) AS over
    WHERE (c.school_id, c.id) = (over.school_id, over.id)
"""
_WAIT: Final = """
    UPDATE campaigns c SET status_reason = $1
    FROM (
        SELECT s.school_id, s.id FROM campaigns s
        WHERE s.status = 'sending' AND s.status_reason IS DISTINCT FROM $1 AND EXISTS (
            SELECT FROM batches b
            WHERE b.school_id = s.school_id AND b.campaign_id = s.id AND b.state = 'due'
        )
        ORDER BY s.school_id, s.id FOR UPDATE SKIP LOCKED
    ) AS waiting
    WHERE (c.school_id, c.id) = (waiting.school_id, waiting.id)
"""
_GO_ON: Final = """
    UPDATE campaigns c SET status_reason = NULL
    FROM (
        SELECT s.school_id, s.id FROM campaigns s
        WHERE s.status = 'sending' AND s.status_reason IS NOT NULL AND NOT EXISTS (
            SELECT FROM batches b
            WHERE b.school_id = s.school_id AND b.campaign_id = s.id
                AND b.state = 'due' AND b.not_before > now()
        )
        ORDER BY s.school_id, s.id FOR UPDATE SKIP LOCKED
    ) AS going
    WHERE (c.school_id, c.id) = (going.school_id, going.id)
"""


async def expire_leases(connection: AsyncConnection) -> None:
    """Make the recipients of every batch whose lease ran out unknown: never queued, they may have mail."""
    rows = [tuple(row) for row in await connection.exec_driver_sql(_EXPIRE, (MOST_AT_ONCE, LEASE_ENDED))]
    at = now()
    facts = [
        Fact(RecipientKey(school_id, campaign_id, number), FactKind.UNKNOWN, at, attempt=attempt)
        for school_id, campaign_id, attempt, numbers in rows
        for number in numbers
    ]
    if facts:
        log.warning("leases ran out", batches=len(rows), recipients=len(facts))
        await record_facts(connection, facts)


async def start_scheduled(connection: AsyncConnection, *, max_lateness_minutes: int) -> None:
    """Start what is due; what was missed by too long is paused for a person to decide."""
    reason = f"Its time was missed by more than {max_lateness_minutes} minutes; resume or cancel it."
    await connection.exec_driver_sql(_START, (max_lateness_minutes, reason))


async def find_unprepared(connection: AsyncConnection) -> list[tuple[UUID, UUID]]:
    """Return the campaigns whose recipients are still to be frozen."""
    rows = [tuple(row) for row in await connection.exec_driver_sql(_TO_PREPARE)]
    return [(row[0], row[1]) for row in rows]


async def complete_campaigns(connection: AsyncConnection) -> None:
    """Mark as sent every campaign with nothing due, nothing in a call, and nothing waiting for evidence."""
    await connection.exec_driver_sql(_COMPLETE)


async def tell_waiting(connection: AsyncConnection, *, held_until: datetime | None) -> None:
    """Have every campaign say that it waits for the daily quota, and until when, just as long as it does."""
    if held_until is None:
        await connection.exec_driver_sql(_GO_ON)
    else:
        await connection.exec_driver_sql(_WAIT, (describe_wait(held_until),))
