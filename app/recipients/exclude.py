"""Taking somebody out of a campaign before their turn: a recipient becomes an exclusion."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

_MOVE: Final = """
    WITH moved AS (
        DELETE FROM recipients r
        USING unnest($3::int[], $4::text[]) AS barred (number, reason)
        WHERE r.school_id = $1 AND r.campaign_id = $2 AND r.number = barred.number AND r.status = 'queued'
        RETURNING r.number, r."user", r.email, btrim(r.first_name || ' ' || r.last_name) AS name, barred.reason
    ), kept AS (
        INSERT INTO exclusions (school_id, campaign_id, number, "user", email, name, reason)
        SELECT $1, $2, number, "user", email, name, reason FROM moved
    )
    SELECT reason, count(*)::int FROM moved GROUP BY reason
"""
_COUNT: Final = """
    UPDATE campaign_counters
    SET recipients = recipients - $3 - $4,
        suppressed_excluded = suppressed_excluded + $3,
        unsubscribed_excluded = unsubscribed_excluded + $4
    WHERE school_id = $1 AND campaign_id = $2
"""


async def exclude_recipients(
    connection: AsyncConnection, school_id: UUID, campaign_id: UUID, *, reasons: Mapping[int, str]
) -> None:
    """Move recipients that are still queued to the exclusions, with `suppressed` or `unsubscribed` as reason."""
    moved = await connection.exec_driver_sql(
        _MOVE, (school_id, campaign_id, list(reasons), list(reasons.values()))
    )
    counts = {reason: count for reason, count in moved}  # noqa: C416  # rows are not plain pairs
    await connection.exec_driver_sql(
        _COUNT, (school_id, campaign_id, counts.get("suppressed", 0), counts.get("unsubscribed", 0))
    )
