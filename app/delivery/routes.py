"""What a person does to a campaign: rename, pause, resume, cancel, send now, retry those who failed."""

from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import JsonValue

from app.campaigns import service
from app.campaigns.lifecycle import Move, Status
from app.campaigns.models import Campaign
from app.campaigns.schemas import PREPARING, CampaignId, CampaignPatch, CampaignView, RetryRequest
from app.campaigns.stats import SILENT
from app.campaigns.views import make_campaign_view
from app.core.errors import Conflict, Forbidden, InvalidInput, MalformedRequest, NotFound, Unauthenticated
from app.core.http import describe_problems, show_answer
from app.delivery import service as delivery
from app.delivery.progress import read_stats
from app.schools.access import CanWriteCampaigns, Tenant
from app.schools.service import get_school

router = APIRouter(
    prefix="/v1/campaigns/{campaign_id}",
    tags=["Campaigns"],
    responses=describe_problems(
        Unauthenticated, Forbidden, NotFound, MalformedRequest, InvalidInput, Conflict
    ),
)

_SENDING: dict[str, JsonValue] = {
    "status": "sending",
    "completed_at": None,
    "stats": {
        **SILENT,
        "queued": 70,
        "sent": 50,
        "sent_rate": 0.4167,
        "pending": 50,
        "open_rate": 0.0,
        "click_rate": 0.0,
    },
}
_PAUSED = _SENDING | {"status": "paused", "status_reason": "Paused by Marta Ruiz."}


@router.patch("", operation_id="rename_campaign", summary="Rename a campaign")
async def rename_campaign(
    tenant: CanWriteCampaigns, campaign_id: CampaignId, body: CampaignPatch
) -> CampaignView:
    """Give the campaign another name; null takes it away."""
    campaign = await service.rename_campaign(
        tenant.session, school_id=tenant.school_id, campaign_id=campaign_id, name=body.name
    )
    return await _show(tenant, campaign)


@router.post(
    "/pause",
    operation_id="pause_campaign",
    summary="Pause a campaign",
    responses=show_answer(**_PAUSED),
)
async def pause_campaign(tenant: CanWriteCampaigns, campaign_id: CampaignId) -> CampaignView:
    """Stop handing mail to SES: no call begins after this answers but those already claimed."""
    return await _move(tenant, campaign_id, Move.PAUSE, reason=f"Paused by {tenant.caller.name}.")


@router.post(
    "/resume",
    operation_id="resume_campaign",
    summary="Resume a paused campaign",
    responses=show_answer(**_SENDING),
)
async def resume_campaign(
    request: Request, tenant: CanWriteCampaigns, campaign_id: CampaignId
) -> CampaignView:
    """Go on where it was paused. What the reputation guard paused pauses again only when it gets worse."""
    campaign = await delivery.resume_campaign(
        tenant.session, school_id=tenant.school_id, campaign_id=campaign_id
    )
    return await _show_and_wake(request, tenant, campaign)


@router.post(
    "/send-now",
    operation_id="send_campaign_now",
    summary="Send a scheduled campaign now",
    responses=show_answer(**PREPARING, scheduled_for="2026-03-02T16:00:00Z"),
)
async def send_campaign_now(
    request: Request, tenant: CanWriteCampaigns, campaign_id: CampaignId
) -> CampaignView:
    """Do not wait for the time it is scheduled for."""
    campaign = await service.move_campaign(
        tenant.session, school_id=tenant.school_id, campaign_id=campaign_id, how=Move.SEND_NOW
    )
    return await _show_and_wake(request, tenant, campaign)


@router.post(
    "/retry-failed",
    operation_id="retry_failed",
    summary="Send again to those who failed",
    responses=show_answer(status="sending", completed_at=None, stats={"queued": 1, "failed": 0}),
)
async def retry_failed(
    request: Request, tenant: CanWriteCampaigns, campaign_id: CampaignId, body: RetryRequest | None = None
) -> CampaignView:
    """Send again to those whom SES refused, from a campaign that is sent or paused (which then goes on too).

    Nobody whose mail SES took is sent it again: who bounced or complained is not retried. Who has
    unsubscribed, was suppressed or erased since is left out. 409 when there is nobody to retry.
    """
    campaign = await delivery.retry_failed(
        tenant.session,
        school_id=tenant.school_id,
        campaign_id=campaign_id,
        include_unknown=body is not None and body.include_unknown,
    )
    return await _show_and_wake(request, tenant, campaign)


@router.post(
    "/cancel",
    operation_id="cancel_campaign",
    summary="Cancel a campaign",
    responses=show_answer(**_PAUSED | {"status": "cancelled", "status_reason": "Cancelled by Marta Ruiz."}),
)
async def cancel_campaign(tenant: CanWriteCampaigns, campaign_id: CampaignId) -> CampaignView:
    """Send to nobody else; who was already mailed stays in the report."""
    return await _move(tenant, campaign_id, Move.CANCEL, reason=f"Cancelled by {tenant.caller.name}.")


async def _move(tenant: Tenant, campaign_id: UUID, how: Move, *, reason: str | None = None) -> CampaignView:
    campaign = await service.move_campaign(
        tenant.session, school_id=tenant.school_id, campaign_id=campaign_id, how=how, reason=reason
    )
    return await _show(tenant, campaign)


async def _show_and_wake(request: Request, tenant: Tenant, campaign: Campaign) -> CampaignView:
    job = "prepare_campaign" if campaign.status == Status.PREPARING else "deliver_campaign"
    request.app.state.queue.enqueue(tenant.session, job, tenant.school_id, campaign.id)
    return await _show(tenant, campaign)


async def _show(tenant: Tenant, campaign: Campaign) -> CampaignView:
    school = await get_school(tenant.session, school_id=tenant.school_id)
    stats = await read_stats(tenant.session, school_id=tenant.school_id, campaign_ids=[campaign.id])
    return make_campaign_view(campaign, timezone=school.timezone, stats=stats[campaign.id])
