"""`…/recipients`: the table, one person of it, and all of it as a file."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import AfterValidator, WithJsonSchema
from starlette.types import Receive, Scope, Send
from typing_extensions import TypeAliasType

from app.campaigns.exporting import note_export
from app.campaigns.schemas import CampaignId
from app.core.errors import NotFound, Unavailable
from app.core.http import describe_problems, show_text
from app.core.pages import LARGEST_NUMBER, Cursor, Limit
from app.core.schema import Page, Text
from app.reports import history, service
from app.reports.cells import make_disposition, show_file
from app.reports.export import Export, begin_export
from app.reports.narrowing import RecipientFilter
from app.reports.schemas import DeliveryStatus, RecipientDetail, RecipientView
from app.reports.sorts import SORTS, check_sort
from app.reports.table import Table
from app.schools.access import Caller, CanReadCampaigns, allowed_to_stream
from app.schools.scopes import Scope as Permission

router = APIRouter()
CanExportCampaigns = Annotated[Caller, allowed_to_stream(Permission.CAMPAIGNS_READ)]
Search = Annotated[
    Text | None, Query(max_length=200, description="Part of the name, or how the address begins.")
]
RecipientSort = TypeAliasType(
    "RecipientSort",
    Annotated[str, AfterValidator(check_sort), WithJsonSchema({"type": "string", "enum": list(SORTS)})],
)
Sort = Annotated[
    RecipientSort,
    Query(description="Nothing comes last either way: who never opened has no instant of an open."),
]
Number = Annotated[int, Path(ge=1, le=LARGEST_NUMBER, description="The recipient's `id`.")]

_BY_MACHINE = "Only those where a machine did, or did not."


async def _read_filter(
    delivery_status: Annotated[list[DeliveryStatus] | None, Query(description="Any of these.")] = None,
    opened: Annotated[bool | None, Query(description="Only who did, or did not.")] = None,
    clicked: Annotated[bool | None, Query(description="Only who did, or did not.")] = None,
    machine_opened: Annotated[bool | None, Query(description=_BY_MACHINE)] = None,
    machine_clicked: Annotated[bool | None, Query(description=_BY_MACHINE)] = None,
    unsubscribed: Annotated[bool | None, Query(description="Only who did, or did not.")] = None,
    user: Annotated[Text | None, Query(max_length=255, description="The platform's id.")] = None,
    q: Search = None,
) -> RecipientFilter:
    statuses = tuple(sorted(set(delivery_status or ())))
    return RecipientFilter(statuses, opened, clicked, machine_opened, machine_clicked, unsubscribed, user, q)


Filter = Annotated[RecipientFilter, Depends(_read_filter)]


class _Download(StreamingResponse):
    """A file that is made while it is sent, and no longer once its client has left."""

    media_type = "text/csv"

    def __init__(self, export: Export) -> None:
        self._export = export
        headers = {
            "Content-Disposition": make_disposition(export.file_name),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        }
        super().__init__(aiter(export), headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._export.close()


_FILE = show_text(
    "text/csv", show_file(), "A header row that names the fields of a recipient, then a row for each."
)


@router.get(
    "/{campaign_id}/recipients",
    operation_id="list_recipients",
    response_model=Page[RecipientView],
    summary="List a campaign's recipients",
    responses=describe_problems(NotFound),
)
async def list_recipients(
    tenant: CanReadCampaigns,
    campaign_id: CampaignId,
    where: Filter,
    sort: Sort = "number",
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Response:
    """List everyone the campaign went to and what became of it; `q` looks in name and address.

    A cursor goes on with the sort and the filter it was given under, and with no other.
    """
    page = await service.list_recipients(
        tenant.session,
        school_id=tenant.school_id,
        campaign_id=campaign_id,
        where=where,
        sort=sort,
        limit=limit,
        cursor=cursor,
    )
    return Response(page, media_type="application/json")


@router.get(
    "/{campaign_id}/recipients.csv",
    operation_id="export_recipients",
    summary="Download a campaign's recipients",
    response_class=StreamingResponse,
    responses=_FILE | describe_problems(NotFound, Unavailable),
)
async def export_recipients(
    request: Request,
    caller: CanExportCampaigns,
    campaign_id: CampaignId,
    where: Filter,
    sort: Sort = "number",
) -> StreamingResponse:
    """Send the table, filtered and sorted as the list is, as CSV in UTF-8 (with a byte order mark).

    What a spreadsheet would compute has an apostrophe in front. Everything in it is of one moment. A file
    whose connection ends without its last chunk is not whole.
    """
    await note_export(request.app.state.database, caller=caller, campaign_id=campaign_id)
    table = Table(caller.school_id, campaign_id, where, sort)
    return _Download(await begin_export(request.app.state.database, table))


@router.get(
    "/{campaign_id}/recipients/{number}",
    operation_id="get_recipient",
    summary="Read a recipient",
    responses=describe_problems(NotFound),
)
async def get_recipient(tenant: CanReadCampaigns, campaign_id: CampaignId, number: Number) -> RecipientDetail:
    """Answer one recipient with all that happened to their mail."""
    return await history.get_recipient(
        tenant.session, school_id=tenant.school_id, campaign_id=campaign_id, number=number
    )
