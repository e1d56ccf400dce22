"""`…/report.html`: the report as a page to print or to mail."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from app.campaigns.schemas import CampaignId
from app.core.errors import Forbidden, InvalidInput, NotFound, Unauthenticated
from app.core.http import describe_problems, show_text
from app.reports.page.gather import gather_report
from app.reports.page.service import render_report
from app.schools.access import Caller, allowed_to_stream
from app.schools.scopes import Scope

router = APIRouter(
    prefix="/v1/campaigns",
    tags=["Reports"],
    responses=describe_problems(Unauthenticated, Forbidden, InvalidInput, NotFound),
)
CanPrint = Annotated[Caller, allowed_to_stream(Scope.CAMPAIGNS_READ)]
_PAGE = show_text("text/html", "<!doctype html><title>Choir, spring term</title>…", "The report as a page.")


@router.get(
    "/{campaign_id}/report.html",
    operation_id="show_report",
    summary="Show a campaign's report as a page",
    response_class=HTMLResponse,
    responses=_PAGE,
)
async def show_report(request: Request, campaign_id: CampaignId, caller: CanPrint) -> Response:
    """Answer one page that needs nothing else: good to print, to save as PDF, and to mail to a head teacher.

    Its figures are those of the API at the same instant; it names no recipient. There is no script in it.
    """
    report = await gather_report(
        request.app.state.database, school_id=caller.school_id, campaign_id=campaign_id
    )
    return render_report(report)
