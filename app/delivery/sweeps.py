"""The periodic sweep: finds by state whatever a wake-up forgot, a crash left behind, or time made due."""

from typing import Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.delivery.settlement import FollowUp
from app.delivery.settling import add_batch
from app.recipients.evidence import has_events
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts

MOST_AT_ONCE = 200
log = structlog.get_logger(__name__)

_EXPIRE: Final = """
    UPDATE batches b SET state = 'unknown', unknown_since = now(), lease_until = NULL, fence = b.fence + 1
    FROM (
        SELECT school_id, campaign_id, number FROM batches
        WHERE state = 'calling' AND lease_until < now()
        ORDER BY school_id, campaign_id, number LIMIT $1 FOR UPDATE SKIP LOCKED
    ) AS late
    WHERE (b.school_id, b.campaign_id, b.number) = (late.school_id, late.campaign_id, late.number)
    RETURNING b.school_id, b.campaign_id, b.attempt, b.recipients
"""
_UNKNOWN: Final = """
    SELECT b.school_id, b.campaign_id, b.number, b.attempt, b.tries,
        b.unknown_since + make_interval(secs => $2) < now() AS overdue,
        ARRAY(
            SELECT r.number FROM recipients r
            WHERE r.school_id = b.school_id AND r.campaign_id = b.campaign_id
                AND r.number = ANY (b.recipients) AND r.status = 'unknown'
            ORDER BY r.number
        ) AS unsettled
    FROM batches b
    WHERE b.state = 'unknown'
    ORDER BY b.school_id, b.campaign_id, b.number LIMIT $1 FOR UPDATE SKIP LOCKED
"""
_SET_STATE: Final = """
    UPDATE batches SET state = $4 WHERE school_id = $1 AND campaign_id = $2 AND number = $3
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
    WHERE c.status = 'sending' AND NOT EXISTS (
        SELECT FROM batches b
        WHERE b.school_id = c.school_id AND b.campaign_id = c.id
            AND b.state IN ('due', 'calling', 'unknown')
    )
"""


async def expire_leases(connection: AsyncConnection) -> None:
    """Make the recipients of every batch whose lease ran out unknown: never queued, they may have mail."""
    rows = (await connection.exec_driver_sql(_EXPIRE, (MOST_AT_ONCE,))).all()
    at = now()
    facts = [
        Fact(RecipientKey(school_id, campaign_id, number), FactKind.UNKNOWN, at, attempt=attempt)
        for school_id, campaign_id, attempt, numbers in rows
        for number in numbers
    ]
    if facts:
        log.warning("leases ran out", batches=len(rows), recipients=len(facts))
        await record_facts(connection, facts)


async def settle_unknown(
    connection: AsyncConnection, *, reconcile_after: int, configuration_set: str | None
) -> None:
    """Close the unknown batches that evidence has settled; send the rest again once the delay is over.

    Where no event was ever seen for the configuration set, silence proves nothing: they stay unknown.
    """
    rows = (await connection.exec_driver_sql(_UNKNOWN, (MOST_AT_ONCE, reconcile_after))).all()
    for school_id, campaign_id, batch, attempt, tries, overdue, unsettled in rows:
        key = (school_id, campaign_id)
        if not unsettled:
            await connection.exec_driver_sql(_SET_STATE, (*key, batch, "done"))
        elif overdue and await has_events(connection, configuration_set=configuration_set or ""):
            await _send_again(connection, *key, numbers=unsettled, attempt=attempt + 1, tries=tries)
            await connection.exec_driver_sql(_SET_STATE, (*key, batch, "done"))
        elif overdue:
            await connection.exec_driver_sql(_SET_STATE, (*key, batch, "undecided"))


async def _send_again(
    connection: AsyncConnection,
    school_id: UUID,
    campaign_id: UUID,
    *,
    numbers: list[int],
    attempt: int,
    tries: int,
) -> None:
    at = now()
    await record_facts(
        connection,
        [
            Fact(RecipientKey(school_id, campaign_id, number), FactKind.REQUEUED, at, attempt=attempt)
            for number in numbers
        ],
    )
    await add_batch(connection, school_id, campaign_id, FollowUp(tuple(numbers), attempt, tries, 0))
    log.info("no evidence came: sent again", campaign_id=str(campaign_id), recipients=len(numbers))


async def start_scheduled(connection: AsyncConnection, *, max_lateness_minutes: int) -> None:
    """Start what is due; what was missed by too long is paused for a person to decide."""
    reason = f"Its time was missed by more than {max_lateness_minutes} minutes; resume or cancel it."
    await connection.exec_driver_sql(_START, (max_lateness_minutes, reason))


async def find_unprepared(connection: AsyncConnection) -> list[tuple[UUID, UUID]]:
    """Return the campaigns whose recipients are still to be frozen."""
    return [(row[0], row[1]) for row in await connection.exec_driver_sql(_TO_PREPARE)]


async def complete_campaigns(connection: AsyncConnection) -> None:
    """Mark as sent every campaign with nothing due, nothing in a call, and nothing waiting for evidence."""
    await connection.exec_driver_sql(_COMPLETE)
