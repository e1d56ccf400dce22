"""Settle: what became of calls is written, many calls in one transaction, under the fence of each claim."""

import hashlib
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_lean
from app.delivery.settlement import FollowUp, Settlement
from app.recipients.acceptances import is_plain, record_acceptances
from app.recipients.facts import FactKind
from app.recipients.record import record_facts

MOST_LONE_REFUSALS = 3
"""So many recipients alone, refused in the same words with nobody ever accepted, prove the message bad."""

_FINISH: Final = """
    UPDATE batches b
    SET state = v.state, lease_until = NULL,
        unknown_since = CASE WHEN v.state = 'unknown' THEN now() END, doubt = v.doubt
    FROM (
        SELECT held.school_id, held.campaign_id, held.number, given.state, given.doubt
        FROM batches held
        JOIN unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::int[], $5::text[], $6::text[])
            AS given (school_id, campaign_id, number, fence, state, doubt)
            ON (held.school_id, held.campaign_id, held.number)
                = (given.school_id, given.campaign_id, given.number)
            AND held.fence = given.fence AND held.state = 'calling'
        ORDER BY held.school_id, held.campaign_id, held.number
        FOR UPDATE OF held
    ) AS v
    WHERE (b.school_id, b.campaign_id, b.number) = (v.school_id, v.campaign_id, v.number)
    RETURNING b.number
"""
_NARROW: Final = """
    UPDATE batches SET recipients = $4 WHERE school_id = $1 AND campaign_id = $2 AND number = $3
"""
_FOLLOW_UP: Final = """
    INSERT INTO batches (school_id, campaign_id, recipients, attempt, tries, not_before, priority)
    VALUES ($1, $2, $3, $4, $5, now() + make_interval(secs => $6), $7)
"""
_PAUSE: Final = """
    UPDATE campaigns SET status = 'paused', status_reason = $3
    WHERE school_id = $1 AND id = $2 AND status = 'sending'
"""
# Content never changes under way: where SES has once taken it, what it refuses are recipients.
_NOTE_REFUSAL: Final = """
    UPDATE campaigns c
    SET lone_refusal = $3, lone_refusals = seen.refusals,
        status = CASE WHEN blames.message THEN 'paused' ELSE c.status END,
        status_reason = CASE WHEN blames.message THEN $4 ELSE c.status_reason END
    FROM (
        SELECT CASE WHEN s.lone_refusal = $3 THEN s.lone_refusals ELSE 0 END + 1 AS refusals
        FROM campaigns s WHERE s.school_id = $1 AND s.id = $2 FOR NO KEY UPDATE
    ) AS seen
    CROSS JOIN LATERAL (
        SELECT seen.refusals >= $5 AND EXISTS (
            SELECT FROM campaign_counters k WHERE k.school_id = $1 AND k.campaign_id = $2 AND k.sent = 0
        ) AND EXISTS (
            SELECT FROM batches b WHERE b.school_id = $1 AND b.campaign_id = $2 AND b.state = 'due'
        ) AS message
    ) AS blames
    WHERE c.school_id = $1 AND c.id = $2 AND c.status = 'sending'
"""
_WAIT: Final = """
    UPDATE campaigns SET status_reason = $3 WHERE school_id = $1 AND id = $2 AND status = 'sending'
"""


async def write_settlements(connection: AsyncConnection, settlements: Sequence[Settlement]) -> None:
    """Write what became of these calls.

    A settlement whose claim was lost (its lease ran out, its recipients are unknown or sent again) may
    still add proof of acceptance, and nothing else.
    """
    held = await _finish_batches(connection, settlements)
    ours = [each for each in settlements if each.claim.batch in held]
    lost = [each for each in settlements if each.claim.batch not in held]
    facts = [fact for each in ours for fact in each.facts]
    facts += [fact for each in lost for fact in each.facts if fact.kind is FactKind.ACCEPTED]
    record = record_acceptances if is_plain(facts) else record_facts
    await record(connection, facts)
    # In the order of keys: two workers that pause the same campaigns must not wait for each other.
    for settlement in sorted(ours, key=lambda each: (each.claim.school_id, each.claim.campaign_id)):
        await _write_consequences(connection, settlement)


async def _finish_batches(connection: AsyncConnection, settlements: Sequence[Settlement]) -> set[int]:
    rows = [
        (
            each.claim.school_id,
            each.claim.campaign_id,
            each.claim.batch,
            each.claim.fence,
            "unknown" if each.unknown else "done",
            each.doubt,
        )
        for each in settlements
    ]
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    return {row[0] for row in await run_lean(connection, _FINISH, *columns)}


async def _write_consequences(connection: AsyncConnection, settlement: Settlement) -> None:
    claim = settlement.claim
    key = (claim.school_id, claim.campaign_id)
    if settlement.unknown and len(settlement.unknown) < len(claim.addressees):
        await connection.exec_driver_sql(_NARROW, (*key, claim.batch, list(settlement.unknown)))
    for follow_up in settlement.follow_ups:
        await add_batch(connection, *key, follow_up)
    if settlement.halt:
        await connection.exec_driver_sql(_PAUSE, (*key, settlement.halt))
    if settlement.refusal:
        words = settlement.refusal
        told = (hashlib.sha256(words.encode()).digest(), f"SES: {words}", MOST_LONE_REFUSALS)
        await connection.exec_driver_sql(_NOTE_REFUSAL, (*key, *told))
    if settlement.wait:
        await connection.exec_driver_sql(_WAIT, (*key, settlement.wait))


async def add_batch(
    connection: AsyncConnection, school_id: UUID, campaign_id: UUID, follow_up: FollowUp
) -> None:
    """Add a batch of recipients that are to be handed off (again)."""
    await connection.exec_driver_sql(
        _FOLLOW_UP,
        (
            school_id,
            campaign_id,
            list(follow_up.recipients),
            follow_up.attempt,
            follow_up.tries,
            follow_up.delay,
            follow_up.priority,
        ),
    )
