"""`/v1/audiences`: which filters there are, and whom an audience would reach."""

from fastapi import APIRouter

from app.audience.base import Scope, describe_filters
from app.audience.preview import preview_audience
from app.audience.resolve import Question
from app.audience.schemas import AudiencePreview, FilterCatalogue, PreviewRequest
from app.core.clock import now
from app.core.errors import Forbidden, InvalidInput, MalformedRequest, Unauthenticated
from app.core.http import describe_problems
from app.schools.access import CanSend
from app.schools.service import get_school

router = APIRouter(
    prefix="/v1/audiences", tags=["Audiences"], responses=describe_problems(Unauthenticated, Forbidden)
)


@router.get("/filters", operation_id="list_filters", summary="List the kinds of filter")
async def list_filters(_: CanSend) -> FilterCatalogue:
    """Describe every kind with its parameters as JSON Schema, so that a front end can build its form."""
    return FilterCatalogue(filters=describe_filters())


@router.post(
    "/preview",
    operation_id="preview_audience",
    summary="Count an audience",
    responses=describe_problems(MalformedRequest, InvalidInput),
)
async def preview(tenant: CanSend, body: PreviewRequest) -> AudiencePreview:
    """Count whom a message would reach and who is left out, and show up to ten of them."""
    school = await get_school(tenant.session, school_id=tenant.school_id)
    question = Question(body.audience, body.message_type, school.require_opt_in)
    return await preview_audience(tenant.session, scope=Scope(tenant.school_id, now()), question=question)
