"""`/v1/mailing-lists`: saved audiences."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from app.audience.lists import service
from app.audience.lists.schemas import MailingListBody, MailingListView
from app.core.errors import Conflict, Forbidden, InvalidInput, MalformedRequest, NotFound, Unauthenticated
from app.core.http import describe_problems
from app.core.pages import Cursor, Limit, decode_cursor, make_page
from app.core.schema import Page
from app.schools.access import CanSend

router = APIRouter(
    prefix="/v1/mailing-lists",
    tags=["Audiences"],
    responses=describe_problems(Unauthenticated, Forbidden, InvalidInput),
)

ListId = Annotated[UUID, Path(description="The `id` of the mailing list.")]


@router.post(
    "",
    status_code=201,
    operation_id="create_mailing_list",
    summary="Save an audience",
    responses=describe_problems(MalformedRequest, Conflict),
)
async def create_mailing_list(tenant: CanSend, body: MailingListBody, response: Response) -> MailingListView:
    """Keep an audience under a name, which is unique in the school."""
    saved = await service.create_list(tenant.session, school_id=tenant.school_id, wanted=body)
    response.headers["Location"] = f"/v1/mailing-lists/{saved.id}"
    return MailingListView.model_validate(saved)


@router.get("", operation_id="list_mailing_lists", summary="List mailing lists")
async def list_mailing_lists(
    tenant: CanSend,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[MailingListView]:
    """List saved audiences in the order of their names."""
    after = decode_cursor(cursor, str)[0] if cursor else None
    rows = await service.list_lists(tenant.session, school_id=tenant.school_id, after=after, limit=limit + 1)
    return make_page(rows, limit=limit, view=MailingListView.model_validate, key=lambda row: (row.name,))


@router.get(
    "/{list_id}",
    operation_id="get_mailing_list",
    summary="Read a mailing list",
    responses=describe_problems(NotFound),
)
async def get_mailing_list(tenant: CanSend, list_id: ListId) -> MailingListView:
    """Answer its name and its audience; who that is, `POST /v1/audiences/preview` counts."""
    saved = await service.get_list(tenant.session, school_id=tenant.school_id, list_id=list_id)
    return MailingListView.model_validate(saved)


@router.put(
    "/{list_id}",
    operation_id="replace_mailing_list",
    summary="Change a mailing list",
    responses=describe_problems(MalformedRequest, NotFound, Conflict),
)
async def replace_mailing_list(tenant: CanSend, list_id: ListId, body: MailingListBody) -> MailingListView:
    """Replace name and audience. Campaigns still scheduled to it follow; those resolved before do not."""
    saved = await service.replace_list(
        tenant.session, school_id=tenant.school_id, list_id=list_id, wanted=body
    )
    return MailingListView.model_validate(saved)


@router.delete(
    "/{list_id}",
    status_code=204,
    operation_id="delete_mailing_list",
    summary="Remove a mailing list",
    responses=describe_problems(NotFound),
)
async def delete_mailing_list(tenant: CanSend, list_id: ListId) -> None:
    """Remove a list. A campaign still scheduled to it fails when its time comes, with that reason."""
    await service.delete_list(tenant.session, school_id=tenant.school_id, list_id=list_id)
