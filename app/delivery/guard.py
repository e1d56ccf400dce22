"""The reputation guard: a campaign that harms the account's standing pauses before Amazon SES acts on it.

SES counts hard bounces alone, and reviews an account at 5 % of them or at 0.1 % of complaints:
https://docs.aws.amazon.com/ses/latest/dg/reputationdashboardmessages.html
"""

from typing import Final, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql

WORSE = 1.1
"""Once a person has resumed, the shares may grow by this much over what they then were: less is chance."""
log = structlog.get_logger(__name__)

# In numeric, as a share that is reached exactly counts as reached. A list of nothing but bounces has nobody
# delivered, so both make up the minimum.
_FIND: Final = """
    SELECT c.school_id, c.id, k.delivered, k.bounced_permanent, k.complained,
        s.guard_bounce_rate, s.guard_complaint_rate, c.accepted_bounce_rate, c.accepted_complaint_rate,
        k.bounced_permanent > 0 AND k.bounced_permanent >= of.delivered
            * greatest(s.guard_bounce_rate, c.accepted_bounce_rate * $1)::numeric AS bounces
    FROM campaigns c
    JOIN campaign_counters k ON k.school_id = c.school_id AND k.campaign_id = c.id
    JOIN schools s ON s.id = c.school_id
    CROSS JOIN LATERAL (SELECT greatest(k.delivered, 1)) AS of (delivered)
    WHERE c.status = 'sending' AND k.delivered + k.bounced_permanent >= s.guard_minimum
        AND (
            k.bounced_permanent > 0 AND k.bounced_permanent >= of.delivered
                * greatest(s.guard_bounce_rate, c.accepted_bounce_rate * $1)::numeric
            OR k.complained > 0 AND k.complained >= of.delivered
                * greatest(s.guard_complaint_rate, c.accepted_complaint_rate * $1)::numeric
        )
    ORDER BY c.school_id, c.id
    FOR NO KEY UPDATE OF c SKIP LOCKED
"""
_PAUSE: Final = """
    UPDATE campaigns SET status = 'paused', status_reason = $3
    WHERE school_id = $1 AND id = $2 AND status = 'sending'
"""


class Risky(NamedTuple):
    """A campaign that has reached a limit, and the counts and limits that say so."""

    school_id: UUID
    campaign_id: UUID
    delivered: int
    bounced: int
    complained: int
    bounce_limit: float
    complaint_limit: float
    accepted_bounce_rate: float | None
    accepted_complaint_rate: float | None
    by_bounces: bool


async def pause_risky(connection: AsyncConnection) -> None:
    """Pause every campaign under way whose hard bounces or complaints reach its school's limit.

    The shares are of what was delivered; nothing is judged before `guard_minimum` recipients are heard of.
    What a person has resumed pauses again only when its share has since got worse.
    """
    for risky in [Risky(*row) for row in await run_sql(connection, _FIND, WORSE)]:
        await run_sql(connection, _PAUSE, risky.school_id, risky.campaign_id, explain(risky))
        log.warning("a campaign was paused by the reputation guard", campaign_id=str(risky.campaign_id))


def measure(part: int, delivered: int) -> float:
    """Return what share of the delivered this is; of none delivered, as of one."""
    return part / max(delivered, 1)


def explain(risky: Risky) -> str:
    """Say in plain words what was reached: "Paused: 4.2 % of 1,240 delivered bounced (limit 4 %) …"."""
    if risky.by_bounces:
        part, what, limit = risky.bounced, "bounced", risky.bounce_limit
        accepted, review = risky.accepted_bounce_rate, 0.05
    else:
        part, what, limit = risky.complained, "complained", risky.complaint_limit
        accepted, review = risky.accepted_complaint_rate, 0.001
    share = f"{_percent(measure(part, risky.delivered))} of {risky.delivered:,} delivered {what}"
    limits = f"limit {_percent(limit)}"
    if accepted is not None and accepted * WORSE > limit:
        limits += f", resumed at {_percent(accepted)}"
    counted = share if risky.delivered else f"{part:,} {what} and nothing was delivered"
    return (
        f"Paused: {counted} ({limits}). Amazon SES reviews an account at {_percent(review)}: "
        "look into the list, then resume or cancel."
    )


def _percent(share: float) -> str:
    return f"{100 * share:.{1 if share >= 0.01 else 2}f}".rstrip("0").rstrip(".") + " %"
