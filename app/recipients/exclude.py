"""Taking somebody out of a campaign before their turn: a recipient becomes an exclusion."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql
from app.recipients.facts import RecipientKey
from app.recipients.rows import Campaign, hold_recipients

_MOVE: Final = """
    WITH queued AS (
        DELETE FROM recipient_outcomes o
        USING unnest($3::int[]) AS barred (number)
        WHERE o.school_id = $1 AND o.campaign_id = $2 AND o.number = barred.number AND o.status = 'queued'
        RETURNING o.number
    ), moved AS (
        DELETE FROM recipients r
        USING unnest($3::int[], $4::text[]) AS barred (number, reason) JOIN queued USING (number)
        WHERE r.school_id = $1 AND r.campaign_id = $2 AND r.number = barred.number
        RETURNING r.number, r."user", r.email, barred.reason,
            btrim(r.first_name || ' ' || r.last_name) AS name
    ), kept AS (
        INSERT INTO exclusions (school_id, campaign_id, number, "user", email, name, reason)
        SELECT $1, $2, number, "user", email, name, reason FROM moved
    )
    SELECT reason, count(*)::int AS count FROM moved GROUP BY reason
"""
_COUNT: Final = """
    UPDATE campaign_counters
    SET recipients = recipients - $3 - $4 - $5,
        suppressed_excluded = suppressed_excluded + $3,
        unsubscribed_excluded = unsubscribed_excluded + $4,
        erased_excluded = erased_excluded + $5
    WHERE school_id = $1 AND campaign_id = $2
"""


async def exclude_recipients(
    connection: AsyncConnection, school_id: UUID, campaign_id: UUID, *, reasons: Mapping[int, str]
) -> Mapping[str, int]:
    """Move recipients that are still queued to the exclusions; return how many for each reason.

    They are still to be taken from the campaign's counters, after everything else of the transaction.
    """
    keys = [RecipientKey(school_id, campaign_id, number) for number in sorted(reasons)]
    await hold_recipients(connection, keys)
    moved = await run_sql(connection, _MOVE, school_id, campaign_id, list(reasons), list(reasons.values()))
    return {row.reason: row.count for row in moved}


async def count_excluded(connection: AsyncConnection, excluded: Mapping[Campaign, Mapping[str, int]]) -> None:
    """Take those who were excluded from their campaigns' counters, in the order in which all lock these."""
    for campaign, counts in sorted(excluded.items()):
        added = (counts.get(reason, 0) for reason in ("suppressed", "unsubscribed", "erased"))
        await run_sql(connection, _COUNT, *campaign, *added)
