"""The links of a campaign, and who followed each."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import run_sql
from app.core.schema import Page
from app.reports.brief import read_brief
from app.reports.schemas import LinkReport

# An index holds all of it: no other event of the history is read.
_CLICKS: Final = """
    SELECT l.number, l.destination, coalesce(c.clicks, 0), coalesce(c.people, 0), coalesce(c.machine, 0)
    FROM campaign_links l
    LEFT JOIN (
        SELECT link, count(*) FILTER (WHERE machine IS NULL) AS clicks,
            count(DISTINCT number) FILTER (WHERE machine IS NULL) AS people, count(machine) AS machine
        FROM email_events
        WHERE school_id = $1 AND campaign_id = $2 AND link IS NOT NULL
        GROUP BY link
    ) AS c ON c.link = l.number
    WHERE l.school_id = $1 AND l.campaign_id = $2
    ORDER BY l.number
"""


async def list_links(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> Page[LinkReport]:
    """Return every link (there are at most 500) in the order of the message, or raise NotFound."""
    await read_brief(session, school_id=school_id, campaign_id=campaign_id)
    rows = await run_sql(await session.connection(), _CLICKS, school_id, campaign_id)
    items = [
        LinkReport(number=number, url=url, clicks=clicks, unique_clickers=people, machine_clicks=machine)
        for number, url, clicks, people, machine in rows
    ]
    return Page(items=items, next_cursor=None)
