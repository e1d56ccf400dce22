"""The periodic sweep: finds by state whatever a wake-up forgot, a crash left behind, or time made due."""

from collections.abc import Sequence
from typing import Final, NamedTuple
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
# Only what can be decided: were the undecided among the first, those behind them would never be looked at.
_DECIDABLE: Final = """
    SELECT b.school_id, b.campaign_id, b.number, b.attempt, b.tries, r.unsettled
    FROM batches b
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(r.number ORDER BY r.number), '{}') AS unsettled
        FROM recipients r
        WHERE r.school_id = b.school_id AND r.campaign_id = b.campaign_id
            AND r.number = ANY (b.recipients) AND r.status = 'unknown'
    ) AS r
    WHERE b.state = 'unknown'
        AND (r.unsettled = '{}' OR b.unknown_since + make_interval(secs => $2) < now())
    ORDER BY b.school_id, b.campaign_id, b.number LIMIT $1 FOR UPDATE OF b SKIP LOCKED
"""
_CLOSE: Final = """
    UPDATE batches b SET state = v.state
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) AS v (school_id, campaign_id, number, state)
    WHERE (b.school_id, b.campaign_id, b.number) = (v.school_id, v.campaign_id, v.number)
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
        WHERE s.status = 'sending' AND NOT EXISTS (
            SELECT FROM batches b
            WHERE b.school_id = s.school_id AND b.campaign_id = s.id
                AND b.state IN ('due', 'calling', 'unknown')
        )
        ORDER BY s.school_id, s.id FOR UPDATE SKIP LOCKED
    ) AS over
    WHERE (c.school_id, c.id) = (over.school_id, over.id)
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


class Decidable(NamedTuple):
    """An unknown batch whose recipients are all settled, or that has waited long enough for evidence."""

    school_id: UUID
    campaign_id: UUID
    batch: int
    attempt: int
    tries: int
    unsettled: list[int]


async def expire_leases(connection: AsyncConnection) -> None:
    """Make the recipients of every batch whose lease ran out unknown: never queued, they may have mail."""
    rows = [tuple(row) for row in await connection.exec_driver_sql(_EXPIRE, (MOST_AT_ONCE,))]
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
    rows = await connection.exec_driver_sql(_DECIDABLE, (MOST_AT_ONCE, reconcile_after))
    decidable = [Decidable(*tuple(row)) for row in rows]
    if not decidable:
        return
    hears = await has_events(connection, configuration_set=configuration_set or "")
    silent = [each for each in decidable if each.unsettled]
    if silent and hears:
        await _send_again(connection, silent)
    columns = (
        [each.school_id for each in decidable],
        [each.campaign_id for each in decidable],
        [each.batch for each in decidable],
        ["undecided" if each.unsettled and not hears else "done" for each in decidable],
    )
    await connection.exec_driver_sql(_CLOSE, columns)


async def _send_again(connection: AsyncConnection, silent: Sequence[Decidable]) -> None:
    """Begin a new attempt; the facts of all at once, so that rows and counters are locked in their order."""
    at = now()
    await record_facts(
        connection,
        [
            Fact(
                RecipientKey(each.school_id, each.campaign_id, number),
                FactKind.REQUEUED,
                at,
                attempt=each.attempt + 1,
            )
            for each in silent
            for number in each.unsettled
        ],
    )
    for each in silent:
        again = FollowUp(tuple(each.unsettled), each.attempt + 1, each.tries, 0)
        await add_batch(connection, each.school_id, each.campaign_id, again)
        log.info(
            "no evidence came: sent again", campaign_id=str(each.campaign_id), recipients=len(each.unsettled)
        )


async def start_scheduled(connection: AsyncConnection, *, max_lateness_minutes: int) -> None:
    """Start what is due; what was missed by too long is paused for a person to decide."""
    reason = f"Its time was missed by more than {max_lateness_minutes} minutes; resume or cancel it."
    await connection.exec_driver_sql(_START, (max_lateness_minutes, reason))


async def find_unprepared(connection: AsyncConnection) -> list[tuple[UUID, UUID]]:
    """Return the campaigns whose recipients are still to be frozen."""
    rows = [tuple(row) for row in await connection.exec_driver_sql(_TO_PREPARE)]
    return [(row[0], row[1]) for row in rows]


async def complete_campaigns(connection: AsyncConnection) -> None:
    """Mark as sent every campaign with nothing due, nothing in a call, and nothing waiting for evidence.

    One that waited (for the daily quota) and goes on no longer says that it waits.
    """
    await connection.exec_driver_sql(_COMPLETE)
    await connection.exec_driver_sql(_GO_ON)
