"""`/v1/audit`: who did what, and when."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from app.core.errors import Forbidden, InvalidInput, Unauthenticated
from app.core.http import describe_problems
from app.core.pages import Cursor, Limit
from app.core.schema import Instant, Page, Text
from app.schools.access import CanManageKeys
from app.schools.audit.reading import AuditFilter, list_entries
from app.schools.audit.schemas import AuditEntryView

router = APIRouter(
    prefix="/v1/audit",
    tags=["School"],
    responses=describe_problems(Unauthenticated, Forbidden, InvalidInput),
)
Action = Annotated[Text | None, Field(max_length=100, description="Only this one, such as `revoke.key`.")]
ActorId = Annotated[
    Text | None, Field(max_length=255, description="Only what this actor did: a key's id or a person's.")
]


@router.get("", operation_id="list_audit_entries", summary="List who did what")
async def list_audit_entries(
    tenant: CanManageKeys,
    action: Annotated[Action, Query()] = None,
    actor: Annotated[ActorId, Query()] = None,
    since: Annotated[Instant | None, Query(description="From this instant on.")] = None,
    until: Annotated[Instant | None, Query(description="Before this instant.")] = None,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[AuditEntryView]:
    """List, newest first, what was done with which credential. Entries are never changed or removed."""
    where = AuditFilter(action, actor, since, until)
    return await list_entries(
        tenant.session, school_id=tenant.school_id, where=where, limit=limit, cursor=cursor
    )
