"""`…/live`: server-sent events of one campaign, and of the list."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request

from app.campaigns.schemas import CampaignId, CampaignView
from app.core.db import Database
from app.core.errors import Forbidden, InvalidInput, NotFound, Unauthenticated, Unavailable
from app.core.examples import show_model
from app.core.http import describe_problems
from app.reports.live.listener import Listener
from app.reports.live.reading import find_campaign
from app.reports.live.stream import EventStream
from app.schools.access import Caller, allowed_to_stream
from app.schools.scopes import Scope

router = APIRouter(
    prefix="/v1/campaigns",
    tags=["Reports"],
    responses=describe_problems(Unauthenticated, Forbidden, InvalidInput, Unavailable),
)
CanWatchCampaigns = Annotated[Caller, allowed_to_stream(Scope.CAMPAIGNS_READ)]
LastEventId = Annotated[
    str | None,
    Header(
        max_length=200,
        description="The id of the last event got: without a change since, nothing is told again.",
    ),
]
_SHOWN = CampaignView.model_validate(show_model(CampaignView)).model_dump_json()
_EXAMPLE = f"retry: 2000\n\nevent: stats\ndata: {_SHOWN}\nid: 8c1f0a27d3b9e654\n\n"
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events named `stats`; their data is a campaign as in the list.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}


@router.get(
    "/live",
    operation_id="watch_campaigns",
    summary="Watch the list of campaigns",
    response_class=EventStream,
    responses=_STREAM,
)
async def watch_campaigns(
    request: Request, caller: CanWatchCampaigns, last_event_id: LastEventId = None
) -> EventStream:
    """Tell of the newest 50 campaigns at once, then of every campaign that changes or is new.

    An event named `reload` asks a client that comes back to read older pages it shows again. Otherwise as
    the stream of one campaign.
    """
    hub = request.app.state.live
    hub.check_room(caller.school_id)
    return EventStream(hub, Listener(caller, None, last_id=last_event_id))


@router.get(
    "/{campaign_id}/live",
    operation_id="watch_campaign",
    summary="Watch a campaign",
    response_class=EventStream,
    responses=_STREAM | describe_problems(NotFound),
)
async def watch_campaign(
    request: Request, campaign_id: CampaignId, caller: CanWatchCampaigns, last_event_id: LastEventId = None
) -> EventStream:
    """Tell of the campaign at once and on every change, at most four times a second, until the client leaves.

    The credential goes into the `Authorization` header, which a browser's own `EventSource` cannot set: use
    `fetch`, or a library on top of it. The stream stays open when the campaign has ended: opens and clicks
    still come. Comments keep it open every 15 seconds. It ends within a minute once the credential does.
    """
    database: Database = request.app.state.database
    async with database.tenant_transaction(caller.school_id) as session:
        await find_campaign(session, school_id=caller.school_id, campaign_id=campaign_id)
    hub = request.app.state.live
    hub.check_room(caller.school_id)
    return EventStream(hub, Listener(caller, campaign_id, last_id=last_event_id))
