"""`/v1/messages/…`: what can be merged, how a message looks, a test of it; and where previews lead."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.content.inert import INERT_PATH
from app.content.merge import list_merge_fields
from app.core.errors import Forbidden, InvalidInput, MalformedRequest, Unauthenticated
from app.core.html import Pages
from app.core.http import describe_problems, show_text
from app.drafts.people import list_attribute_keys
from app.drafts.schemas import (
    MergeFields,
    MergeFieldView,
    MessageDraft,
    MessagePreview,
    MessageTest,
    TestReport,
)
from app.drafts.showing import preview_message
from app.drafts.testing import send_test
from app.schools.access import Caller, CanSend, allowed_to_stream
from app.schools.scopes import Scope

# Calls to SES take seconds: no transaction is held for them.
CanSendSlowly = Annotated[Caller, allowed_to_stream(Scope.MESSAGES_SEND)]

router = APIRouter(
    prefix="/v1/messages", tags=["Messages"], responses=describe_problems(Unauthenticated, Forbidden)
)
inert = APIRouter(tags=["Unsubscribing"])
pages = Pages("app.drafts")


@router.get("/merge-fields", operation_id="list_merge_fields", summary="List merge fields")
async def list_fields(tenant: CanSend) -> MergeFields:
    """List what can be merged into a message, and which attributes the school's users have."""
    keys = await list_attribute_keys(tenant.session, school_id=tenant.school_id)
    return MergeFields(
        fields=[MergeFieldView.model_validate(each) for each in list_merge_fields()], attributes=keys
    )


@router.post(
    "/preview",
    operation_id="preview_message",
    summary="Preview a message",
    responses=describe_problems(MalformedRequest, InvalidInput),
)
async def preview(request: Request, tenant: CanSend, body: MessageDraft) -> MessagePreview:
    """Show a message as one user would get it, where its links lead, and what its author may want to mend.

    Nothing in it can be counted or unsubscribe anybody: links lead straight to their destinations, there is
    no pixel, and unsubscribe links lead to a page that explains itself. It is refused as sending would be.
    """
    public_url = request.app.state.settings.public_url
    return await preview_message(
        tenant.session, school_id=tenant.school_id, draft=body, public_url=public_url
    )


@router.post(
    "/test",
    operation_id="send_test_message",
    summary="Send a test message",
    responses=describe_problems(MalformedRequest, InvalidInput),
)
async def test(request: Request, caller: CanSendSlowly, body: MessageTest) -> TestReport:
    """Send a message now to at most ten addresses, its subject marked `[Test]`, and tell what became of each.

    It is what the preview shows, and no campaign. Suppressed addresses are not mailed.
    """
    state = request.app.state
    return await send_test(
        state.database,
        state.mailer,
        caller=caller,
        message=body,
        public_url=state.settings.public_url,
    )


@inert.head(INERT_PATH, include_in_schema=False)
@inert.get(
    INERT_PATH,
    operation_id="explain_preview",
    summary="Where a preview's unsubscribe links lead",
    response_class=HTMLResponse,
    responses=show_text("text/html", "<!doctype html><title>This is a preview</title>…", "A page."),
)
async def explain_preview() -> Response:
    """Say that recipients unsubscribe here; there is nothing to do."""
    return pages.render("inert.html", school="", colour=None)
