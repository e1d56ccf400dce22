"""Claim: batches, each under a lease and a fence, committed before anything is said to SES."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_lean
from app.delivery.fairness import Turn
from app.delivery.pacing import LARGEST_CALL
from app.recipients.exclude import exclude_recipients
from app.recipients.rows import Campaign

_DUE = """
    SELECT c.school_id, c.id, c.message_type = 'operational'
    FROM campaigns c
    WHERE c.status = 'sending' AND EXISTS (
        SELECT FROM batches b
        WHERE b.school_id = c.school_id AND b.campaign_id = c.id
            AND b.state = 'due' AND b.not_before <= now()
    )
"""
# Chosen once: a plan that looked for them anew for each batch of a table it thinks is tiny would claim more.
# The lease begins with the claim, not with the transaction, in which other campaigns may come first.
_CLAIM = """
    WITH next AS MATERIALIZED (
        SELECT due.number, due.recipients, c.message_type, s.name AS school_name, s.ses_tenant
        FROM batches due
        JOIN campaigns c ON c.school_id = due.school_id AND c.id = due.campaign_id
        JOIN schools s ON s.id = due.school_id
        WHERE due.school_id = $1 AND due.campaign_id = $2 AND due.state = 'due'
            AND due.not_before <= now() AND c.status = 'sending'
        ORDER BY due.priority, due.number
        LIMIT $4
        FOR UPDATE OF due SKIP LOCKED
    )
    UPDATE batches b
    SET state = 'calling', fence = b.fence + 1, called_at = now(),
        lease_until = clock_timestamp() + make_interval(secs => $3), recipients = next.recipients[:$5]
    FROM next
    WHERE b.school_id = $1 AND b.campaign_id = $2 AND b.number = next.number
    RETURNING b.number, b.recipients, b.fence, b.attempt, b.tries, b.priority, next.message_type,
        next.recipients[$5 + 1:] AS rest, next.school_name, next.ses_tenant
"""
_LEAVE = """
    INSERT INTO batches (school_id, campaign_id, recipients, attempt, tries, priority)
    VALUES ($1, $2, $3, $4, $5, $6)
"""
# Freezing has decided who is mailed; only a wish, a suppression or an erasure since takes somebody out.
_LOAD = """
    SELECT r.number, coalesce(r.wire_address, r.email), r.email, r.first_name, r.last_name, r.attributes,
        EXISTS (
            SELECT FROM suppressions s WHERE s.school_id = r.school_id AND s.address_key = r.address_key
        ) AS suppressed,
        CASE $4::text WHEN 'operational' THEN false WHEN 'marketing' THEN u.marketing = 'unsubscribed'
            ELSE u.newsletter = 'unsubscribed' END IS TRUE
        OR EXISTS (
            SELECT FROM unsubscriptions x
            WHERE x.school_id = r.school_id AND x.address_key = r.address_key AND x.message_type = $4
        ) AS unsubscribed,
        r.email IS NULL AS erased
    FROM recipients r
    LEFT JOIN users u ON u.school_id = r.school_id AND u.external_id = r."user"
    LEFT JOIN LATERAL (
        SELECT status FROM recipient_outcomes
        WHERE (school_id, campaign_id, number) = (r.school_id, r.campaign_id, r.number) OFFSET 0
    ) AS o ON true
    WHERE r.school_id = $1 AND r.campaign_id = $2 AND r.number = ANY ($3::int[])
        AND coalesce(o.status, 'queued') = 'queued'
"""


class Addressee(NamedTuple):
    """One recipient of a claimed batch: what the message needs of them."""

    number: int
    wire_address: str
    email: str
    first_name: str
    last_name: str
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Claim:
    """A batch that is ours until the lease ends; `fence` proves it.

    With it comes what the school may have changed since the campaign was begun: its name, and the SES tenant
    that it sends as.
    """

    school_id: UUID
    campaign_id: UUID
    batch: int
    fence: int
    attempt: int
    tries: int
    addressees: tuple[Addressee, ...]
    priority: int = 0
    school_name: str = ""
    tenant: str | None = None


async def find_due(connection: AsyncConnection) -> list[Turn]:
    """Return every campaign that has mail due now."""
    return [Turn(*tuple(row)) for row in await connection.exec_driver_sql(_DUE)]


async def claim_batches(
    connection: AsyncConnection,
    turn: Turn,
    *,
    most: int,
    lease_seconds: int,
    excluded: dict[Campaign, Mapping[str, int]],
    largest: int = LARGEST_CALL,
) -> list[Claim]:
    """Claim the campaign's next batches; none when it has none, or is no longer sending.

    Who must no longer be mailed is taken out here, in the same transaction, and noted in `excluded`, which
    the caller counts last of all (`count_excluded`). Of a batch larger than the largest call, cut while the
    account's rate was higher, the rest is left as a batch of its own.
    """
    key = (turn.school_id, turn.campaign_id)
    batches = (await connection.exec_driver_sql(_CLAIM, (*key, lease_seconds, most, largest))).all()
    if not batches:
        return []
    for batch in batches:
        if batch.rest:
            rest = (*key, batch.rest, batch.attempt, batch.tries, batch.priority)
            await connection.exec_driver_sql(_LEAVE, rest)
    numbers = [number for batch in batches for number in batch.recipients]
    loaded = await run_lean(connection, _LOAD, *key, numbers, batches[0].message_type)
    rows = {row[0]: tuple(row) for row in loaded}
    barred = {number: reason for number, row in rows.items() if (reason := _find_obstacle(*row[6:]))}
    if barred:
        excluded[key] = await exclude_recipients(connection, *key, reasons=barred)
    kept = {number: Addressee(*row[:6]) for number, row in rows.items() if number not in barred}
    return [
        Claim(
            *key,
            batch.number,
            batch.fence,
            batch.attempt,
            batch.tries,
            tuple(kept[number] for number in sorted(batch.recipients) if number in kept),
            batch.priority,
            batch.school_name,
            batch.ses_tenant,
        )
        for batch in sorted(batches, key=lambda batch: (batch.priority, batch.number))
    ]


def _find_obstacle(suppressed: bool, unsubscribed: bool, erased: bool) -> str | None:
    if erased:
        return "erased"
    if suppressed:
        return "suppressed"
    return "unsubscribed" if unsubscribed else None
