"""The pixel and the links of a mail: public, signed, recorded before they answer."""

import base64
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from app.core.clock import now
from app.core.html import Pages
from app.core.http import LeanResponse, LeanRoute
from app.core.ids import new_id_bytes
from app.core.signing import Purpose, RecipientRef
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.tracking.links import LinksUnknown
from app.tracking.machine import judge_request

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
HEADERS = [(b"cache-control", b"no-store, private"), (b"referrer-policy", b"no-referrer")]
GIF_HEADERS = [*HEADERS, (b"content-type", b"image/gif"), (b"content-length", str(len(GIF)).encode())]
LINK_HEADERS = [*HEADERS, (b"content-length", b"0")]
MOST_AGENT = 255
"""Characters of a User-Agent that are judged and kept: what a rule looks for comes early."""
Token = Annotated[str, Path(description="Signed: it names the recipient and the campaign.")]
LinkNumber = Annotated[str, Path(description="The link's place in the message; the first is 1.")]
pages = Pages()
router = APIRouter(tags=["Tracking"], route_class=LeanRoute)


@router.head("/o/{token}.gif", include_in_schema=False)
@router.get(
    "/o/{token}.gif",
    operation_id="load_pixel",
    summary="Open pixel",
    response_class=Response,
    responses={
        200: {
            "content": {"image/gif": {"schema": {"type": "string", "format": "binary"}}},
            "description": "The same image, whatever the token.",
        }
    },
)
async def load_pixel(request: Request, token: Token) -> Response:
    """Record an open and answer a 1x1 image; a token that is not ours gets the same and records nothing."""
    ref = request.app.state.signer.verify(Purpose.OPEN, token)
    if ref is not None:
        await request.app.state.visits.record(_make_fact(request, ref, FactKind.OPENED))
    return LeanResponse(200, GIF_HEADERS, GIF)


@router.head("/c/{token}/{number}", include_in_schema=False)
@router.get(
    "/c/{token}/{number}",
    operation_id="follow_link",
    summary="Tracked link",
    status_code=302,
    response_class=RedirectResponse,
    responses={
        302: {"description": "To the link's destination; the click is recorded."},
        404: {
            "content": {"text/html": {}},
            "description": "The token or the link is not of this deployment.",
        },
        503: {"content": {"text/html": {}}, "description": "Where the link leads cannot be told now."},
    },
)
async def follow_link(request: Request, token: Token, number: LinkNumber) -> Response:
    """Record a click, then redirect to a link of that very campaign: nowhere else can this lead."""
    state = request.app.state
    ref = state.signer.verify(Purpose.CLICK, token)
    link = int(number) if number.isdecimal() and number.isascii() and len(number) <= 4 else 0
    try:
        url = await state.links.find(ref, link) if ref else None
    except LinksUnknown:
        return pages.unavailable()
    if ref is None or url is None:
        return pages.not_found()
    await state.visits.record(_make_fact(request, ref, FactKind.CLICKED, link=link))
    return LeanResponse(302, [*LINK_HEADERS, (b"location", url.encode("latin-1"))])


def _make_fact(request: Request, ref: RecipientRef, kind: FactKind, *, link: int | None = None) -> Fact:
    agent = request.headers.get("user-agent", "")[:MOST_AGENT]
    return Fact(
        recipient=RecipientKey(ref.school_id, ref.campaign_id, ref.number),
        kind=kind,
        at=now(),
        key=new_id_bytes(),
        machine=judge_request(
            method=request.method,
            user_agent=agent,
            address=request.client.host if request.client else "",
            opens=kind is FactKind.OPENED,
        ),
        link=link,
        agent=agent,
    )
