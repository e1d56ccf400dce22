"""What a person asks of a campaign that the engine has to know of: to go on, and to try again."""

from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.lifecycle import Move
from app.campaigns.models import Campaign
from app.campaigns.service import move_campaign
from app.core.clock import now
from app.core.errors import Conflict
from app.delivery.guard import measure
from app.delivery.retrying import begin_anew
from app.recipients.models import CampaignCounters

_HAS_UNDECIDED = text("""
    SELECT EXISTS (
        SELECT FROM batches b
        JOIN recipient_outcomes r ON r.school_id = b.school_id AND r.campaign_id = b.campaign_id
            AND r.number = ANY (b.recipients) AND r.status = 'unknown'
        WHERE b.school_id = :school_id AND b.campaign_id = :campaign_id AND b.state = 'undecided'
    )
""")


async def resume_campaign(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> Campaign:
    """Let a paused campaign go on, taking its bounces and complaints so far on; Conflict in another state."""
    campaign = await move_campaign(session, school_id=school_id, campaign_id=campaign_id, how=Move.RESUME)
    _take_on(campaign, await _read_counters(session, campaign))
    await session.flush()
    return campaign


async def retry_failed(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, include_unknown: bool
) -> Campaign:
    """Let a campaign send again to those whom SES has certainly refused; Conflict where there is nobody.

    With `include_unknown` also to those of whom nobody can know any more whether SES took their mail. A sweep
    puts them back, a part at a time (`retrying.py`): the campaign's row says how far it is.
    """
    campaign = await move_campaign(session, school_id=school_id, campaign_id=campaign_id, how=Move.RETRY)
    counters = await _read_counters(session, campaign)
    failed = counters is not None and counters.failed_before > 0
    undecided = counters is not None and counters.unknown > 0 and await _has_undecided(session, campaign)
    if not failed and not (undecided and include_unknown):
        raise Conflict(_explain_nothing(undecided=undecided))
    if failed:
        campaign.retry_from = begin_anew(campaign.retry_from)
    if undecided and include_unknown:
        campaign.retry_unknown_before = now()
    _take_on(campaign, counters)
    await session.flush()
    return campaign


def _take_on(campaign: Campaign, counters: CampaignCounters | None) -> None:
    """Keep what a person knew when they let it go on: only what gets worse from here stops it again."""
    campaign.lone_refusals = 0
    if counters is not None:
        campaign.accepted_bounce_rate = measure(counters.bounced_permanent, counters.delivered)
        campaign.accepted_complaint_rate = measure(counters.complained, counters.delivered)


async def _read_counters(session: AsyncSession, campaign: Campaign) -> CampaignCounters | None:
    found: CampaignCounters | None = await session.scalar(
        select(CampaignCounters).where(
            CampaignCounters.school_id == campaign.school_id, CampaignCounters.campaign_id == campaign.id
        )
    )
    return found


async def _has_undecided(session: AsyncSession, campaign: Campaign) -> bool:
    key = {"school_id": campaign.school_id, "campaign_id": campaign.id}
    return bool(await session.scalar(_HAS_UNDECIDED, key))


def _explain_nothing(*, undecided: bool) -> str:
    nobody = "Nobody of this campaign failed before SES took their mail: there is nothing to retry."
    return f"{nobody} Some are unknown: include_unknown sends to them again." if undecided else nobody
