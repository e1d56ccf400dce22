"""`/u/{token}`: one-click unsubscribing (RFC 8058) and the pages for people.

A GET changes nothing: link scanners follow every link of a mail. Only a POST does.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse

from app.core.errors import MalformedRequest, TooLarge, UnsupportedMediaType
from app.core.html import PageRoute, Pages
from app.core.http import describe_problems, show_text
from app.core.signing import Purpose
from app.directory.consent import SUBSCRIBABLE
from app.unsubscribe.forms import ENCODINGS, read_form
from app.unsubscribe.service import Subscriber, Wish, find_subscriber, make_wish

ONE_CLICK = "One-Click"
Token = Annotated[str, Path(description="Signed: it names the recipient and the campaign.")]
PAGE: dict[int | str, dict[str, Any]] = show_text(
    "text/html", "<!doctype html><title>Your email preferences</title>…", "A page."
) | {
    404: {"content": {"text/html": {}}, "description": "The token is not of this deployment."},
    503: {"content": {"text/html": {}}, "description": "Nothing was changed; try again in a few minutes."},
}
FORM = {
    "required": True,
    "content": {
        encoding: {"schema": {"type": "object"}, "example": {"List-Unsubscribe": ONE_CLICK}}
        for encoding in ENCODINGS
    },
}
SWITCHES = {
    "required": True,
    "content": {
        encoding: {"schema": {"type": "object"}, "example": {"newsletter": "on", "action": "save"}}
        for encoding in ENCODINGS
    },
}
BAD_FORM = describe_problems(MalformedRequest, TooLarge, UnsupportedMediaType)
HEADING = "Your email preferences"
router = APIRouter(
    tags=["Unsubscribing"], default_response_class=HTMLResponse, responses=PAGE, route_class=PageRoute
)
pages = Pages("app.unsubscribe")


@router.head("/u/{token}", include_in_schema=False)
@router.get("/u/{token}", operation_id="ask_to_unsubscribe", summary="Unsubscribe page")
async def ask(request: Request, token: Token) -> Response:
    """Show one button; change nothing."""
    subscriber = await _find(request, token)
    if subscriber is None:
        return pages.not_found()
    if not subscriber.can_unsubscribe:
        return _show_preferences(token, subscriber)
    return pages.render("ask.html", **_common(token, subscriber), kind=subscriber.message_type)


@router.post(
    "/u/{token}",
    operation_id="unsubscribe",
    summary="Unsubscribe (RFC 8058 one-click, or the page's button)",
    responses=BAD_FORM,
    openapi_extra={"requestBody": FORM},
)
async def unsubscribe(request: Request, token: Token) -> Response:
    """Unsubscribe from the campaign's type, by one click (RFC 8058 section 3.2) or by the page's button."""
    subscriber = await _find(request, token)
    if subscriber is None or not subscriber.can_unsubscribe:
        return pages.not_found()
    form = await read_form(request)
    one_click = form.get("List-Unsubscribe") == ONE_CLICK
    action = form.get("action")
    if not one_click and action not in {"unsubscribe", "undo"}:
        raise MalformedRequest("The body must be List-Unsubscribe=One-Click (RFC 8058).")
    leaves = one_click or action == "unsubscribe"
    kind = subscriber.message_type
    if leaves or kind in subscriber.consent.unsubscribed:
        source = "one-click" if one_click else "page"
        await _submit(request, make_wish(subscriber, message_type=kind, unsubscribe=leaves, source=source))
    return _confirm(token, await _find(request, token))


@router.head("/u/{token}/preferences", include_in_schema=False)
@router.get("/u/{token}/preferences", operation_id="show_preferences", summary="Preferences page")
async def show_preferences(request: Request, token: Token) -> Response:
    """Show the switches of both types; change nothing."""
    return _show_preferences(token, await _find(request, token))


@router.post(
    "/u/{token}/preferences",
    operation_id="save_preferences",
    summary="Save preferences",
    responses=BAD_FORM,
    openapi_extra={"requestBody": SWITCHES},
)
async def save_preferences(request: Request, token: Token) -> Response:
    """Set both switches as the form has them: one that is off is not in it."""
    subscriber = await _find(request, token)
    if subscriber is None:
        return pages.not_found()
    form = await read_form(request)
    # A browser leaves out switches that are off, but says which button was pressed: a body with neither a
    # switch nor the button is not our form, and must not turn everything off.
    if form.get("action") != "save" and form.keys().isdisjoint(SUBSCRIBABLE):
        raise MalformedRequest("The body must be the form of the preferences page.")
    for kind in SUBSCRIBABLE:
        wanted = form.get(kind) == "on"
        if wanted != (kind in subscriber.consent.mailed):
            await _submit(
                request, make_wish(subscriber, message_type=kind, unsubscribe=not wanted, source="page")
            )
    message = "Your preferences are saved."
    return _show_preferences(token, await _find(request, token), title="Preferences saved", message=message)


async def _find(request: Request, token: str) -> Subscriber | None:
    ref = request.app.state.signer.verify(Purpose.UNSUBSCRIBE, token)
    return await find_subscriber(request.app.state.database, ref) if ref else None


async def _submit(request: Request, wish: Wish) -> None:
    await request.app.state.wishes.submit(wish)


def _confirm(token: str, subscriber: Subscriber | None) -> Response:
    """Say what is stored now, which is what a wish has made of it."""
    if subscriber is None:
        return pages.not_found()
    kind, school = subscriber.message_type, subscriber.school
    if kind in subscriber.consent.mailed:
        heading, message = "You are subscribed again", f"You will get {kind} emails from {school}."
    else:
        heading, message = "You are unsubscribed", f"You will get no more {kind} emails from {school}."
    can_undo = kind in subscriber.consent.unsubscribed
    return _show_preferences(token, subscriber, heading=heading, message=message, can_undo=can_undo)


def _show_preferences(
    token: str,
    subscriber: Subscriber | None,
    *,
    heading: str = HEADING,
    title: str = "",
    message: str = "",
    can_undo: bool = False,
) -> Response:
    if subscriber is None:
        return pages.not_found()
    return pages.render(
        "preferences.html",
        **_common(token, subscriber),
        title=title or heading,
        heading=heading,
        message=message,
        can_undo=can_undo,
        switches=[(kind, kind in subscriber.consent.mailed) for kind in SUBSCRIBABLE],
    )


def _common(token: str, subscriber: Subscriber) -> dict[str, Any]:
    return {"school": subscriber.school, "colour": subscriber.colour, "action": f"/u/{token}"}
