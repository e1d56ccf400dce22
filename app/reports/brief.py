"""What reports of a campaign need to know of it and its school: that it is there, and how it is shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.lifecycle import Status
from app.core.db import run_lean
from app.core.errors import NotFound

# The planner expects pages in memory and prefers an index scan, which reads those of a campaign one by one. A
# bitmap scan reads sixteen at a time (`io_combine_limit`): far faster where they are not in memory.
_READ: Final = """
    SELECT c.name, c.subject, c.status, c.sent_at, s.timezone, s.profile_url_template,
        coalesce(k.recipients = k.sent + k.unknown + k.failed_before, false),
        CASE WHEN $3 THEN set_config('enable_indexscan', 'off', true) END
    FROM campaigns c
    JOIN schools s ON s.id = c.school_id
    LEFT JOIN campaign_counters k ON k.school_id = c.school_id AND k.campaign_id = c.id
    WHERE c.school_id = $1 AND c.id = $2
"""


@dataclass(frozen=True, slots=True)
class Brief:
    """A campaign without what it said, which may be half a megabyte, and its school's way of showing it."""

    name: str | None
    subject: str
    status: str
    sent_at: datetime | None
    timezone: str
    profile_template: str | None
    all_begun: bool
    """Whether something is known of each recipient, and none is queued."""

    @property
    def is_in_calls(self) -> bool:
        """Whether some of it may be in a call to SES: it is not sent before the last call has ended."""
        return self.status != Status.SENT


async def read_brief(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, is_read_whole: bool = False
) -> Brief:
    """Return the campaign in brief, or raise NotFound; `is_read_whole`: all its rows are read next."""
    rows = await run_lean(await session.connection(), _READ, school_id, campaign_id, is_read_whole)
    if not rows:
        raise NotFound("There is no such campaign.")
    *columns, _ = rows[0]
    return Brief(*columns)
