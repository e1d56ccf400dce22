"""All that the page says, read as of one instant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.schemas import CampaignDetail
from app.core.clock import now
from app.core.db import Database
from app.core.errors import InvalidInput
from app.reports.buckets import LENGTHS
from app.reports.domains import report_domains
from app.reports.links import list_links
from app.reports.page.audience import describe_audience
from app.reports.page.failures import Failure, count_failures
from app.reports.page.periods import Period, gather_periods
from app.reports.schemas import DomainReport, LinkReport, Outcome, Timeline
from app.reports.service import get_campaign_detail
from app.reports.timeline import Window, report_timeline
from app.schools.service import get_school

MOST_PROVIDERS: Final = 20
MOST_DAYS: Final = 1_900
COUNTED: Final = tuple(Outcome.model_fields)


@dataclass(frozen=True, slots=True)
class Provider:
    """A mailbox provider, or several together, and what became of the mail to it."""

    name: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Report:
    """What the page shows."""

    school: str
    colour: str | None
    timezone: ZoneInfo
    campaign: CampaignDetail
    audience: str
    periods: Sequence[Period]
    links: Sequence[LinkReport]
    providers: Sequence[Provider]
    failures: Sequence[Failure]
    made_at: datetime


async def gather_report(database: Database, *, school_id: UUID, campaign_id: UUID) -> Report:
    """Return the report; NotFound when the school has no such campaign."""
    async with database.tenant_transaction(school_id) as session:
        # Figures that are read one after the other are to add up.
        await session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        school = await get_school(session, school_id=school_id)
        timezone = ZoneInfo(school.timezone)
        campaign = await get_campaign_detail(session, school_id=school_id, campaign_id=campaign_id)
        domains = await report_domains(session, school_id=school_id, campaign_id=campaign_id)
        return Report(
            school=school.name,
            colour=school.colour,
            timezone=timezone,
            campaign=campaign,
            audience=await describe_audience(
                session, school_id=school_id, audience=campaign.audience, timezone=timezone
            ),
            periods=gather_periods(await _read_periods(session, school_id, campaign), timezone),
            links=(await list_links(session, school_id=school_id, campaign_id=campaign_id)).items,
            providers=list(_name_providers(domains)),
            failures=await count_failures(session, school_id=school_id, campaign_id=campaign_id),
            made_at=now(),
        )


async def _read_periods(session: AsyncSession, school_id: UUID, campaign: CampaignDetail) -> list[Period]:
    async def read(window: Window) -> Timeline:
        return await report_timeline(
            session, school_id=school_id, campaign_id=campaign.id, bucket=None, window=window
        )

    try:
        timeline = await read(Window())
    except InvalidInput:  # somebody opened it years later
        begin = campaign.sent_at or now()
        timeline = await read(Window(until=begin + timedelta(days=MOST_DAYS)))
    length = timedelta(minutes=LENGTHS[timeline.bucket])
    starts = [each.start for each in timeline.items]
    ends = [after for _, after in pairwise(starts)] + [start + length for start in starts[-1:]]
    return [
        Period(each.start, end, each.sent, each.delivered, each.opened, each.clicked)
        for each, end in zip(timeline.items, ends, strict=True)
    ]


def _name_providers(report: DomainReport) -> Iterable[Provider]:
    for each in report.items[:MOST_PROVIDERS]:
        yield Provider(each.domain or "People erased since", each)
    others: list[Outcome] = [*report.items[MOST_PROVIDERS:], *([report.rest] if report.rest else [])]
    if others:
        sums = {name: sum(getattr(each, name) for each in others) for name in COUNTED}
        number = len(report.items[MOST_PROVIDERS:]) + (report.rest.domains if report.rest else 0)
        yield Provider(f"{number:,} others", Outcome(**sums))
