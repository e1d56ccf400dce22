"""`POST /v1/messages`: sending is the campaign."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from app.campaigns.idempotency import claim_key, keep_answer
from app.campaigns.schemas import PREPARING, CampaignView, IdempotencyHeader, MessageCreate
from app.campaigns.sending import Order, accept_message, name_sender
from app.campaigns.views import make_campaign_view, make_stats
from app.core.errors import Conflict, Forbidden, InvalidInput, MalformedRequest, Unauthenticated
from app.core.http import describe_problems, show_answer
from app.schools.access import CanSend

router = APIRouter(prefix="/v1", responses=describe_problems(Unauthenticated, Forbidden))

IDEMPOTENCY = "Up to the caller: the same key and body get the same campaign; another body gets 409."


@router.post(
    "/messages",
    status_code=202,
    tags=["Messages"],
    operation_id="send_message",
    summary="Send a message",
    responses=show_answer(202, **PREPARING) | describe_problems(MalformedRequest, InvalidInput, Conflict),
)
async def send_message(
    request: Request,
    response: Response,
    tenant: CanSend,
    body: MessageCreate,
    idempotency_key: Annotated[IdempotencyHeader | None, Header(description=IDEMPOTENCY)] = None,
) -> CampaignView:
    """Send a message to an audience. The campaign is recorded when this answers; mail follows at once."""
    state, session, school_id = request.app.state, tenant.session, tenant.school_id
    if idempotency_key:
        answered = await claim_key(session, school_id=school_id, key=idempotency_key, body=body)
        if answered is not None:
            response.headers["Location"] = f"/v1/campaigns/{answered['id']}"
            return CampaignView.model_validate(answered)
    order = Order(body, name_sender(tenant.caller, body.sent_by), state.settings.public_url)
    school, campaign = await accept_message(session, school_id=school_id, order=order)
    view = make_campaign_view(campaign, timezone=school.timezone, stats=make_stats({}))
    if idempotency_key:
        await keep_answer(
            session, school_id=school_id, key=idempotency_key, answer=view.model_dump(mode="json")
        )
    state.queue.enqueue(session, "prepare_campaign", school_id, campaign.id)
    response.headers["Location"] = f"/v1/campaigns/{campaign.id}"
    return view
