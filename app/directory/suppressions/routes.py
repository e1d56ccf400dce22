"""`/v1/suppressions`: the addresses that are not mailed at all."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field

from app.core.errors import Forbidden, InvalidInput, MalformedRequest, NotFound, Unauthenticated
from app.core.http import describe_problems
from app.core.pages import Cursor, Limit
from app.core.schema import Page, Text
from app.directory.suppressions import service
from app.directory.suppressions.schemas import (
    SuppressionBatch,
    SuppressionEntry,
    SuppressionReason,
    SuppressionsAdded,
    SuppressionsRemoved,
)
from app.schools.access import CanReadDirectory, CanWritePreferences

Search = Annotated[
    Text | None,
    Field(max_length=320, description="An address, or how one begins; case does not matter."),
]
router = APIRouter(
    prefix="/v1/suppressions",
    tags=["Suppressions"],
    responses=describe_problems(Unauthenticated, Forbidden, InvalidInput),
)


@router.get("", operation_id="list_suppressions", summary="List suppressed addresses")
async def list_suppressions(
    tenant: CanReadDirectory,
    reason: Annotated[SuppressionReason | None, Query(description="Only those there for it.")] = None,
    q: Annotated[Search, Query()] = None,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[SuppressionEntry]:
    """List them newest first, with reason and origin; asking for an address finds it though it was erased."""
    return await service.list_suppressions(
        tenant.session, school_id=tenant.school_id, reason=reason, q=q, limit=limit, cursor=cursor
    )


@router.post(
    "",
    operation_id="add_suppressions",
    summary="Suppress addresses",
    responses=describe_problems(MalformedRequest),
)
async def add_suppressions(tenant: CanWritePreferences, body: SuppressionBatch) -> SuppressionsAdded:
    """Mail these addresses no more, from the next call to SES on: all of them, or none if one is invalid."""
    return await service.add_suppressions(tenant.session, school_id=tenant.school_id, items=body.items)


# Addresses go in bodies: paths are written to the logs of whatever stands in between.
@router.post(
    "/remove",
    operation_id="remove_suppressions",
    summary="Remove addresses from the suppression list",
    responses=describe_problems(MalformedRequest),
)
async def remove_suppressions(tenant: CanWritePreferences, body: SuppressionBatch) -> SuppressionsRemoved:
    """Let these addresses be mailed again. Who unsubscribed stays so, and soft bounces are counted anew."""
    return await service.remove_suppressions(tenant.session, school_id=tenant.school_id, items=body.items)


@router.delete(
    "/{suppression_id:uuid}",  # `remove` is none: to DELETE it is 405
    status_code=204,
    operation_id="remove_suppression",
    summary="Remove one address from the suppression list",
    responses=describe_problems(NotFound),
)
async def remove_suppression(
    tenant: CanWritePreferences, suppression_id: Annotated[UUID, Path(description="The `id` of the entry.")]
) -> None:
    """Let the address be mailed again, by the `id` that the list shows: also an erased one."""
    await service.remove_suppression(
        tenant.session, school_id=tenant.school_id, suppression_id=suppression_id
    )
