"""`/u/{token}`: one-click unsubscribing (RFC 8058) and the pages for people.

A GET changes nothing: link scanners follow every link of a mail. Only a POST does.
"""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from starlette.datastructures import FormData

from app.core.errors import MalformedRequest
from app.core.html import Pages
from app.core.http import describe_problems
from app.core.signing import Purpose
from app.directory.consent import SUBSCRIBABLE
from app.unsubscribe.service import Subscriber, find_subscriber, make_wish

ONE_CLICK = "One-Click"
PAGE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "A page."},
    404: {"content": {"text/html": {}}, "description": "The token is not of this deployment."},
}
FORM = {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}}
router = APIRouter(tags=["Unsubscribing"], default_response_class=HTMLResponse, responses=PAGE)
pages = Pages("app.unsubscribe")


@router.head("/u/{token}", include_in_schema=False)
@router.get("/u/{token}", operation_id="ask_to_unsubscribe", summary="Unsubscribe page")
async def ask(request: Request, token: str) -> Response:
    """Show one button; change nothing."""
    subscriber = await _find(request, token)
    if subscriber is None:
        return pages.not_found()
    if not subscriber.can_unsubscribe:
        return _show_preferences(token, subscriber, subscriber.unsubscribed, heading="Your email preferences")
    return pages.render("ask.html", **_common(token, subscriber), kind=subscriber.message_type)


@router.post(
    "/u/{token}",
    operation_id="unsubscribe",
    summary="Unsubscribe (RFC 8058 one-click, or the page's button)",
    responses=describe_problems(MalformedRequest),
    openapi_extra={"requestBody": FORM},
)
async def unsubscribe(request: Request, token: str) -> Response:
    """Unsubscribe from the campaign's type, by one click (RFC 8058 section 3.2) or by the page's button."""
    subscriber = await _find(request, token)
    if subscriber is None or not subscriber.can_unsubscribe:
        return pages.not_found()
    form = await request.form()
    one_click = form.get("List-Unsubscribe") == ONE_CLICK
    action = form.get("action")
    if not one_click and action not in {"unsubscribe", "undo"}:
        raise MalformedRequest("The body must be List-Unsubscribe=One-Click (RFC 8058).")
    leave = one_click or action == "unsubscribe"
    kind = subscriber.message_type
    source = "one-click" if one_click else "page"
    await request.app.state.wishes.submit(
        make_wish(subscriber, message_type=kind, unsubscribe=leave, source=source)
    )
    gone = subscriber.unsubscribed | {kind} if leave else subscriber.unsubscribed - {kind}
    heading = "You are unsubscribed" if leave else "You are subscribed again"
    message = f"You will get {'no more' if leave else 'our'} {kind} emails from {subscriber.school}."
    return _show_preferences(token, subscriber, gone, heading=heading, message=message, can_undo=leave)


@router.head("/u/{token}/preferences", include_in_schema=False)
@router.get("/u/{token}/preferences", operation_id="show_preferences", summary="Preferences page")
async def show_preferences(request: Request, token: str) -> Response:
    """Show the switches of both types; change nothing."""
    subscriber = await _find(request, token)
    if subscriber is None:
        return pages.not_found()
    return _show_preferences(token, subscriber, subscriber.unsubscribed, heading="Your email preferences")


@router.post(
    "/u/{token}/preferences",
    operation_id="save_preferences",
    summary="Save preferences",
    openapi_extra={"requestBody": FORM},
)
async def save_preferences(request: Request, token: str) -> Response:
    """Set both switches as the form has them."""
    subscriber = await _find(request, token)
    if subscriber is None:
        return pages.not_found()
    gone = _read_switches(await request.form())
    for kind in SUBSCRIBABLE:
        if (kind in gone) != (kind in subscriber.unsubscribed):
            await request.app.state.wishes.submit(
                make_wish(subscriber, message_type=kind, unsubscribe=kind in gone, source="page")
            )
    return _show_preferences(
        token, subscriber, gone, heading="Your email preferences", message="Your preferences are saved."
    )


def _read_switches(form: FormData) -> frozenset[str]:
    return frozenset(kind for kind in SUBSCRIBABLE if form.get(kind) != "on")


async def _find(request: Request, token: str) -> Subscriber | None:
    ref = request.app.state.signer.verify(Purpose.UNSUBSCRIBE, token)
    return await find_subscriber(request.app.state.database, ref) if ref else None


def _common(token: str, subscriber: Subscriber) -> dict[str, Any]:
    return {"school": subscriber.school, "colour": subscriber.colour, "action": f"/u/{token}"}


def _show_preferences(
    token: str,
    subscriber: Subscriber,
    gone: frozenset[str],
    *,
    heading: str,
    message: str = "",
    can_undo: bool = False,
) -> Response:
    return pages.render(
        "preferences.html",
        **_common(token, subscriber),
        heading=heading,
        message=message,
        can_undo=can_undo,
        switches=[(kind, kind not in gone) for kind in SUBSCRIBABLE],
    )
