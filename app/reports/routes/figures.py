"""What a campaign adds up to by link, by time and by mailbox provider."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.campaigns.schemas import CampaignId
from app.core.errors import NotFound
from app.core.http import describe_problems
from app.core.schema import Instant, Page
from app.reports import domains, links, timeline
from app.reports.schemas import Bucket, DomainReport, LinkReport, Timeline
from app.reports.timeline import Window
from app.schools.access import CanReadCampaigns

router = APIRouter()


@router.get(
    "/{campaign_id}/links",
    operation_id="list_links",
    summary="List a campaign's links",
    responses=describe_problems(NotFound),
)
async def list_links(tenant: CanReadCampaigns, campaign_id: CampaignId) -> Page[LinkReport]:
    """List every link in the order of the message, with its clicks; they are always one page."""
    return await links.list_links(tenant.session, school_id=tenant.school_id, campaign_id=campaign_id)


@router.get(
    "/{campaign_id}/timeline",
    operation_id="show_timeline",
    summary="Show how a campaign went",
    responses=describe_problems(NotFound),
)
async def show_timeline(
    tenant: CanReadCampaigns,
    campaign_id: CampaignId,
    bucket: Annotated[Bucket | None, Query(description="The finest that fits, unless given.")] = None,
    since: Annotated[
        Instant | None, Query(alias="from", description="Only what happened from here on.")
    ] = None,
    until: Annotated[Instant | None, Query(alias="to", description="Only what happened before.")] = None,
) -> Timeline:
    """Answer what was sent, delivered, opened and clicked in each minute, hour or day of the school's clocks.

    Opens and clicks are each person's first, so that the sums are those of the stats. Hours and days are the
    school's own, daylight saving included. At most 2,000 buckets; `from` and `to` narrow to the quarter of an
    hour. Of a campaign to hundreds of thousands that is under way this may be some seconds old.
    """
    return await timeline.report_timeline(
        tenant.session,
        school_id=tenant.school_id,
        campaign_id=campaign_id,
        bucket=bucket,
        window=Window(since, until),
    )


@router.get(
    "/{campaign_id}/domains",
    operation_id="list_domains",
    summary="Compare mailbox providers",
    responses=describe_problems(NotFound),
)
async def list_domains(tenant: CanReadCampaigns, campaign_id: CampaignId) -> DomainReport:
    """Answer the outcome at each of the 100 largest address domains, most recipients first, and at the rest.

    Of a campaign to hundreds of thousands that is under way this may be some seconds old.
    """
    return await domains.report_domains(tenant.session, school_id=tenant.school_id, campaign_id=campaign_id)
