"""The reports: each a fixed number of indexed reads, whatever the size of the campaign."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.schemas import CampaignDetail, CampaignView, ContentView, LinkView
from app.campaigns.service import get_campaign
from app.campaigns.views import make_campaign_view
from app.core.pages import decode_cursor, make_page, or_null, write_page
from app.core.schema import Page
from app.delivery.progress import read_stats
from app.reports import queries
from app.reports.brief import read_brief
from app.reports.calls import find_calling, find_doubts
from app.reports.narrowing import RecipientFilter
from app.reports.queries import CampaignFilter
from app.reports.recipients import Line, make_line_of
from app.reports.sorts import reads_all
from app.reports.table import COLUMNS, Table
from app.schools.service import get_school


async def list_campaigns(
    session: AsyncSession, *, school_id: UUID, where: CampaignFilter, limit: int, cursor: str | None
) -> Page[CampaignView]:
    """Return a page of campaigns with their stats."""
    after = decode_cursor(cursor, or_null(datetime.fromisoformat), UUID) if cursor else None
    rows = await queries.list_campaigns(
        session,
        school_id=school_id,
        where=where,
        after=(after[0], after[1]) if after else None,
        limit=limit + 1,
    )
    school = await get_school(session, school_id=school_id)
    stats = await read_stats(session, school_id=school_id, campaign_ids=[row.id for row in rows[:limit]])
    return make_page(
        rows,
        limit=limit,
        view=lambda row: make_campaign_view(row, timezone=school.timezone, stats=stats[row.id]),
        key=lambda row: (row.listed_at and row.listed_at.isoformat(), str(row.id)),
    )


async def get_campaign_detail(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> CampaignDetail:
    """Return all there is to say of one campaign but its recipients."""
    campaign = await get_campaign(session, school_id=school_id, campaign_id=campaign_id)
    school = await get_school(session, school_id=school_id)
    stats = await read_stats(session, school_id=school_id, campaign_ids=[campaign_id])
    links = await queries.list_links(session, school_id=school_id, campaign_id=campaign_id)
    row = make_campaign_view(campaign, timezone=school.timezone, stats=stats[campaign_id])
    return CampaignDetail(
        **dict(row),
        audience=campaign.audience,
        links=[LinkView(number=link.number, url=link.destination) for link in links],
        content=ContentView.model_validate(campaign),
    )


async def list_recipients(
    session: AsyncSession,
    *,
    school_id: UUID,
    campaign_id: UUID,
    where: RecipientFilter,
    sort: str,
    limit: int,
    cursor: str | None,
) -> bytes:
    """Return a page of a campaign's recipients, as the JSON of `Page[RecipientView]`."""
    key = {"school_id": school_id, "campaign_id": campaign_id}
    campaign = await read_brief(
        session, school_id=school_id, campaign_id=campaign_id, is_read_whole=reads_all(sort)
    )
    calling = await find_calling(session, **key) if campaign.is_in_calls else []
    table = Table(school_id, campaign_id, where, sort, calling, campaign.all_begun)
    after = table.read_cursor(cursor) if cursor else None
    rows = await table.read_page(await session.connection(), after=after, limit=limit + 1)
    unknown = [row["number"] for row in rows[:limit] if row["status"] == "unknown"]
    doubts = await find_doubts(session, **key, numbers=unknown)
    in_calls = frozenset(calling)

    def make_line(row: Any) -> Line:  # a record of the table's columns
        return make_line_of(
            row[: len(COLUMNS)],
            calling=row["number"] in in_calls,
            profile_template=campaign.profile_template,
            doubt=doubts.get(row["number"]),
        )

    return write_page(rows, limit=limit, line=make_line, key=table.make_cursor_key)
