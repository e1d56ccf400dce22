"""`/v1/campaigns`: the list, the detail, what was sent, and who was left out."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from typing_extensions import TypeAliasType

from app.audience.resolve import ExclusionReason, MessageType
from app.campaigns.schemas import HTML, CampaignDetail, CampaignId, CampaignStatus, CampaignView
from app.core.errors import NotFound
from app.core.html import PAGE_HEADERS
from app.core.http import describe_problems
from app.core.pages import Cursor, Limit
from app.core.schema import Instant, Page, Text
from app.reports import exclusions, service
from app.reports.content import read_content
from app.reports.exclusions import ExclusionView
from app.reports.queries import CampaignFilter
from app.schools.access import CanReadCampaigns

router = APIRouter()
Search = Annotated[Text | None, Query(max_length=200, description="Part of the name or the subject.")]
ContentFormat = TypeAliasType("ContentFormat", Literal["html", "text"])
_CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "What was sent.",
        "content": {
            "text/html": {
                "schema": {"type": "string"},
                "example": HTML.replace("{{ first_name }}", ""),
            },
            "text/plain": {"schema": {"type": "string"}, "example": "Dear , choir begins on Monday."},
        },
    }
}
# Its author's HTML: no script, no form, no origin, nothing loaded but images. A front end may frame it, and
# its links open beside the frame.
_CONTENT_HEADERS = {name: value for name, value in PAGE_HEADERS.items() if name != "X-Frame-Options"} | {
    "Content-Security-Policy": (
        "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src https: data:; "
        "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    )
}


@router.get("", operation_id="list_campaigns", summary="List campaigns")
async def list_campaigns(
    tenant: CanReadCampaigns,
    message_type: Annotated[MessageType | None, Query(description="Only this type.")] = None,
    status: Annotated[CampaignStatus | None, Query(description="Only those that stand there.")] = None,
    sent_after: Annotated[Instant | None, Query(description="Dispatched after this instant.")] = None,
    sent_before: Annotated[Instant | None, Query(description="Dispatched before this instant.")] = None,
    q: Search = None,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[CampaignView]:
    """List campaigns newest first, those still scheduled before them; `q` looks in name and subject."""
    where = CampaignFilter(message_type, status, sent_after, sent_before, q)
    return await service.list_campaigns(
        tenant.session, school_id=tenant.school_id, where=where, limit=limit, cursor=cursor
    )


@router.get(
    "/{campaign_id}",
    operation_id="get_campaign",
    summary="Read a campaign",
    responses=describe_problems(NotFound),
)
async def get_campaign(tenant: CanReadCampaigns, campaign_id: CampaignId) -> CampaignDetail:
    """Answer what it adds up to, whom it was for, what it said and where its links lead."""
    return await service.get_campaign_detail(
        tenant.session, school_id=tenant.school_id, campaign_id=campaign_id
    )


@router.get(
    "/{campaign_id}/exclusions",
    operation_id="list_exclusions",
    summary="List who was left out",
    responses=describe_problems(NotFound),
)
async def list_exclusions(
    tenant: CanReadCampaigns,
    campaign_id: CampaignId,
    reason: Annotated[ExclusionReason | None, Query(description="Only those left out for it.")] = None,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[ExclusionView]:
    """List everyone the audience matched who is not mailed, each with the reason."""
    return await exclusions.list_exclusions(
        tenant.session,
        school_id=tenant.school_id,
        campaign_id=campaign_id,
        reason=reason,
        limit=limit,
        cursor=cursor,
    )


@router.get(
    "/{campaign_id}/content",
    operation_id="show_content",
    summary="Show what a campaign sent",
    response_class=Response,
    responses=_CONTENT | describe_problems(NotFound),
)
async def show_content(
    request: Request,
    tenant: CanReadCampaigns,
    campaign_id: CampaignId,
    kind: Annotated[ContentFormat, Query(alias="format", description="Which part.")] = "html",
) -> Response:
    """Show the HTML as a page that is safe in a frame, or the text part: with fallbacks in place of data.

    Nothing in it counts: links lead to their destinations, there is no pixel, unsubscribe links are inert.
    A front end that fetches it with a credential shows it in `<iframe sandbox srcdoc>`.
    """
    sent = await read_content(
        tenant.session,
        school_id=tenant.school_id,
        campaign_id=campaign_id,
        public_url=request.app.state.settings.public_url,
    )
    media_type = "text/html" if kind == "html" else "text/plain"
    return Response(getattr(sent, kind), media_type=media_type, headers=_CONTENT_HEADERS)
