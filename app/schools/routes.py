"""`/v1/school`: the school's own settings."""

from fastapi import APIRouter

from app.core.errors import Forbidden, InvalidInput, MalformedRequest, Unauthenticated
from app.core.http import describe_problems
from app.schools import service
from app.schools.access import CanManageKeys, OpenTenant
from app.schools.schemas import SchoolPatch, SchoolView

router = APIRouter(prefix="/v1", tags=["School"], responses=describe_problems(Unauthenticated, Forbidden))


@router.get("/school", operation_id="get_school", summary="Read the school's settings")
async def get_school(tenant: OpenTenant) -> SchoolView:
    """Answer who the school is, from whom its mail comes, and by which rules it is sent."""
    return SchoolView.model_validate(await service.get_school(tenant.session, school_id=tenant.school_id))


@router.patch(
    "/school",
    operation_id="change_school",
    summary="Change the school's settings",
    responses=describe_problems(MalformedRequest, InvalidInput),
)
async def change_school(tenant: CanManageKeys, patch: SchoolPatch) -> SchoolView:
    """Change what is named, leave the rest; null clears a setting that may be empty."""
    school = await service.change_school(tenant.session, school_id=tenant.school_id, patch=patch)
    return SchoolView.model_validate(school)
