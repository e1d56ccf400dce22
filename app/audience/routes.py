"""`/v1/audiences`: which filters there are, and whom an audience would reach."""

from fastapi import APIRouter

from app.audience.catalogue import describe_filters
from app.audience.preview import preview_audience
from app.audience.schemas import AudiencePreview, FilterCatalogue, PreviewRequest
from app.core.errors import Forbidden, InvalidInput, MalformedRequest, Unauthenticated
from app.core.http import describe_problems
from app.schools.access import CanSend

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
    return await preview_audience(tenant.session, school_id=tenant.school_id, request=body)
