"""What can be done with a campaign once it is recorded."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.lifecycle import Move, Status, move
from app.campaigns.models import Campaign
from app.core.clock import now
from app.core.errors import NotFound
from app.schools.audit.record import record


async def get_campaign(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, for_update: bool = False
) -> Campaign:
    """Return the campaign, or raise NotFound."""
    query = select(Campaign).where(Campaign.school_id == school_id, Campaign.id == campaign_id)
    campaign = await session.scalar(query.with_for_update() if for_update else query)
    if campaign is None:
        raise NotFound("There is no such campaign.")
    return campaign


async def rename_campaign(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, name: str | None
) -> Campaign:
    """Give the campaign another name, or none."""
    campaign = await get_campaign(session, school_id=school_id, campaign_id=campaign_id)
    campaign.name = name
    record(session, "rename.campaign", school_id=school_id, kind="campaign", object_id=campaign_id)
    await session.flush()
    return campaign


async def move_campaign(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, how: Move, reason: str | None = None
) -> Campaign:
    """Move the campaign along its life; Conflict when its state does not allow it.

    Workers look at the state in the statement that claims a batch, so no call starts after the commit.
    """
    campaign = await get_campaign(session, school_id=school_id, campaign_id=campaign_id, for_update=True)
    campaign.status = move(
        Status(campaign.status),
        how,
        frozen=campaign.frozen_at is not None,
        early=campaign.scheduled_for is not None and campaign.scheduled_for > now(),
    )
    campaign.status_reason = reason
    if campaign.status == Status.PREPARING and campaign.sent_at is None:
        campaign.sent_at = now()
    is_over = campaign.status in {Status.CANCELLED, Status.SENT, Status.FAILED}
    campaign.completed_at = now() if is_over else None
    record(session, f"{how}.campaign", school_id=school_id, kind="campaign", object_id=campaign_id)
    await session.flush()
    return campaign
