"""How a campaign went: sent, delivered, opened and clicked over time, on the school's clocks."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import run_sql
from app.core.errors import Fault, InvalidInput
from app.reports.brief import read_brief
from app.reports.buckets import LENGTHS, MOST_BUCKETS, QUARTER, Counts, fill, find_starts, fits, to_minute
from app.reports.freshness import Question, recall
from app.reports.schemas import Bucket, Timeline

Cells = Mapping[int, Counts]
"""What happened in each minute, or quarter of an hour, counted in minutes since 1970."""
# Of each person the first of a kind, so that sums are the campaign's stats. Combinations are few where people
# are many: counting those first is twice as fast.
_CELLS: Final = """
    SELECT kind, (extract(epoch FROM at) / 60)::int, sum(people)::int
    FROM (
        SELECT date_bin($3, accepted_at, 'epoch') AS sent,
            CASE WHEN status IN ('delivered', 'complained')
                THEN date_bin($3, coalesce(delivered_at, complained_at), 'epoch') END AS delivered,
            date_bin($3, least(first_opened_at, first_clicked_at), 'epoch') AS opened,
            date_bin($3, first_clicked_at, 'epoch') AS clicked, count(*) AS people
        FROM recipient_outcomes WHERE school_id = $1 AND campaign_id = $2
        GROUP BY 1, 2, 3, 4
    ) AS combined
    CROSS JOIN LATERAL (VALUES (0, sent), (1, delivered), (2, opened), (3, clicked)) AS happened (kind, at)
    WHERE at >= to_timestamp($4::float8) AND at <= to_timestamp($5::float8)
    GROUP BY 1, 2
"""
_EVER: Final = (-(2**31), 2**31)
"""Minutes around 1970 that no campaign lies beyond."""


@dataclass(frozen=True, slots=True)
class Window:
    """What part of the time is asked for, to the quarter of an hour: from `since`, and before `until`.

    Raises InvalidInput where it would be empty.
    """

    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        if self.since and self.until and self.until <= self.since:
            fault = Fault("/to", "must be after `from`")
            raise InvalidInput("Nothing happens in a time that ends before it begins.", errors=[fault])

    def narrow(self, quarters: Cells) -> Cells:
        """Return the quarters in it."""
        begin = to_minute(self.since) // QUARTER * QUARTER if self.since else _EVER[0]
        end = to_minute(self.until) if self.until else _EVER[1]
        return {minute: counts for minute, counts in quarters.items() if begin <= minute < end}


async def report_timeline(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, bucket: Bucket | None, window: Window
) -> Timeline:
    """Return the buckets, the finest that fit unless one is named; InvalidInput when there are too many."""
    timezone = (await read_brief(session, school_id=school_id, campaign_id=campaign_id)).timezone
    zone, campaign = ZoneInfo(timezone), (school_id, campaign_id)
    cells = window.narrow(await _read_cells(session, campaign, QUARTER, _EVER))
    if not cells:
        return Timeline(bucket=bucket or "day", timezone=timezone, items=[])
    span = min(cells), max(cells) + QUARTER - 1
    chosen = _choose_bucket(bucket, *span)
    if chosen == "minute":
        cells = await _read_cells(session, campaign, 1, span)
    starts = find_starts(chosen, min(cells), max(cells), zone)
    return Timeline(bucket=chosen, timezone=timezone, items=fill(starts, cells, zone))


def _choose_bucket(asked: Bucket | None, first: int, last: int) -> Bucket:
    fitting = [bucket for bucket in LENGTHS if fits(bucket, first, last)]
    if fitting and asked in {None, *fitting}:
        return asked or fitting[0]
    advice = f"`{fitting[0]}` fits" if fitting else "none fits: narrow it with `from` and `to`"
    fault = Fault("/bucket", f"would make more than {MOST_BUCKETS:,} buckets; {advice}")
    raise InvalidInput("The campaign lasted too long for buckets of this size.", errors=[fault])


async def _read_cells(
    session: AsyncSession, campaign: tuple[UUID, UUID], size: int, span: tuple[int, int]
) -> Cells:
    async def read() -> Cells:
        bounds = (float(minute * 60) for minute in span)
        rows = await run_sql(await session.connection(), _CELLS, *campaign, timedelta(minutes=size), *bounds)
        cells: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        for kind, minute, people in rows:
            cells[minute][kind] = people
        return {minute: (each[0], each[1], each[2], each[3]) for minute, each in cells.items()}

    return await recall(session, Question(*campaign, "timeline", (size, span)), read)
