"""`/v1/campaigns`: every report, a file for each noun."""

from fastapi import APIRouter

from app.core.errors import Forbidden, InvalidInput, Unauthenticated
from app.core.http import describe_problems
from app.reports.routes import campaigns, figures, recipients

router = APIRouter(
    tags=["Reports"],
    responses=describe_problems(Unauthenticated, Forbidden, InvalidInput),
)
for each in (campaigns, recipients, figures):
    router.include_router(each.router, prefix="/v1/campaigns")
