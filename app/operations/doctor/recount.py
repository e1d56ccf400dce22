"""What the counters of a campaign must be, by SQL that knows nothing of the code that keeps them."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql

_OF_OUTCOMES: Final = {
    "unknown": "count(*) FILTER (WHERE status = 'unknown')",
    "failed_before": "count(*) FILTER (WHERE status = 'failed' AND accepted_at IS NULL)",
    "sent": "count(accepted_at)",
    "failed_after": "count(*) FILTER (WHERE status = 'failed' AND accepted_at IS NOT NULL)",
    "delivered": "count(*) FILTER (WHERE status IN ('delivered', 'complained'))",
    "bounced_permanent": "count(*) FILTER (WHERE status = 'bounced')",
    "bounced_soft": "count(*) FILTER (WHERE status = 'soft_bounced')",
    "complained": "count(*) FILTER (WHERE status = 'complained')",
    "opened": "count(*) FILTER (WHERE open_count > 0 OR click_count > 0)",
    "opened_by_click": "count(*) FILTER (WHERE open_count = 0 AND click_count > 0)",
    "opens": "coalesce(sum(open_count), 0)",
    "clicked": "count(*) FILTER (WHERE click_count > 0)",
    "clicks": "coalesce(sum(click_count), 0)",
    "machine_opened": "count(*) FILTER (WHERE machine_open_count > 0)",
    "machine_clicked": "count(*) FILTER (WHERE machine_click_count > 0)",
    "unsubscribed": "count(*) FILTER (WHERE unsubscribed)",
}
_OF_EXCLUSIONS: Final = {
    f"{reason}_excluded": f"count(*) FILTER (WHERE reason = '{reason}')"
    for reason in ("unsubscribed", "suppressed", "duplicate_address", "unsendable_address", "erased")
}
COUNTERS: Final = ("recipients", *_OF_OUTCOMES, *_OF_EXCLUSIONS)
"""Names of all that is counted, in the order in which it is read."""

Campaign = tuple[UUID, UUID]
"""A school's id and the campaign's."""


def _list(expressions: Mapping[str, str]) -> str:
    return ", ".join(f"({expression})::bigint AS {name}" for name, expression in expressions.items())


# Kept and counted in one statement, so in one snapshot: work that goes on meanwhile changes both or none.
_COMPARE: Final = f"""
    SELECT k.school_id, k.campaign_id, {", ".join(f"k.{name}" for name in COUNTERS)},
        r.recipients, {", ".join(f"o.{name}" for name in _OF_OUTCOMES)},
        {", ".join(f"x.{name}" for name in _OF_EXCLUSIONS)}
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (school_id, campaign_id)
    JOIN campaign_counters k USING (school_id, campaign_id)
    CROSS JOIN LATERAL (
        SELECT count(*) AS recipients FROM recipients
        WHERE recipients.school_id = k.school_id AND recipients.campaign_id = k.campaign_id
    ) AS r
    CROSS JOIN LATERAL (
        SELECT {_list(_OF_OUTCOMES)} FROM recipient_outcomes
        WHERE recipient_outcomes.school_id = k.school_id AND recipient_outcomes.campaign_id = k.campaign_id
    ) AS o
    CROSS JOIN LATERAL (
        SELECT {_list(_OF_EXCLUSIONS)} FROM exclusions
        WHERE exclusions.school_id = k.school_id AND exclusions.campaign_id = k.campaign_id
    ) AS x
"""  # noqa: S608  # only names of this module's own go in, here and below
_ADD_MISSING: Final = """
    INSERT INTO campaign_counters (school_id, campaign_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
_LOCK: Final = "SELECT FROM campaign_counters WHERE school_id = $1 AND campaign_id = $2 FOR UPDATE"
_REWRITE: Final = f"""
    UPDATE campaign_counters SET {", ".join(f"{name} = ${i}" for i, name in enumerate(COUNTERS, 3))}
    WHERE school_id = $1 AND campaign_id = $2
"""  # noqa: S608

Drift = Mapping[str, tuple[int, int]]
"""What is kept and what is counted, by the name of each counter where they differ."""


async def find_drift(connection: AsyncConnection, campaigns: Sequence[Campaign]) -> dict[Campaign, Drift]:
    """Recount these campaigns; return those whose counters differ from it."""
    rows = await run_sql(connection, _COMPARE, [key[0] for key in campaigns], [key[1] for key in campaigns])
    drifts: dict[Campaign, Drift] = {}
    for school_id, campaign_id, *figures in rows:
        pairs = zip(COUNTERS, figures[: len(COUNTERS)], figures[len(COUNTERS) :], strict=True)
        drift = {name: (kept, counted) for name, kept, counted in pairs if kept != counted}
        if drift:
            drifts[school_id, campaign_id] = drift
    return drifts


async def rewrite_counters(connection: AsyncConnection, campaign: Campaign) -> None:
    """Write what is counted, in this transaction; it must not have read before.

    The lock comes first: whoever changes recipients adds the difference to the counters last, so what the
    recount does not see yet is added after us.
    """
    await run_sql(connection, _ADD_MISSING, *campaign)
    await run_sql(connection, _LOCK, *campaign)
    drift = (await find_drift(connection, [campaign])).get(campaign)
    if drift:
        rows = await run_sql(connection, _COMPARE, [campaign[0]], [campaign[1]])
        await run_sql(connection, _REWRITE, *campaign, *rows[0][2 + len(COUNTERS) :])
