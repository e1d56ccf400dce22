"""`/v1/api-keys`: the school's own credentials for integrations."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from app.core.errors import Forbidden, InvalidInput, MalformedRequest, NotFound, Unauthenticated
from app.core.http import describe_problems
from app.core.pages import Cursor, Limit, decode_cursor, make_page
from app.core.schema import Page
from app.schools import keys
from app.schools.access import CanManageKeys
from app.schools.api_keys.schemas import ApiKeyCreate, ApiKeyCreated, ApiKeyView, show_key
from app.schools.api_keys.service import make_key

router = APIRouter(
    prefix="/v1/api-keys",
    tags=["API keys"],
    responses=describe_problems(Unauthenticated, Forbidden, InvalidInput),
)


@router.get("", operation_id="list_api_keys", summary="List API keys")
async def list_api_keys(
    tenant: CanManageKeys,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[ApiKeyView]:
    """List them newest first, those revoked or expired included; never the keys themselves."""
    before = decode_cursor(cursor, UUID)[0] if cursor else None
    rows = await keys.list_keys(tenant.session, school_id=tenant.school_id, before=before, limit=limit + 1)
    return make_page(rows, limit=limit, view=show_key, key=lambda row: (str(row.id),))


@router.post(
    "",
    status_code=201,
    operation_id="create_api_key",
    summary="Create an API key",
    responses=describe_problems(MalformedRequest),
)
async def create_api_key(tenant: CanManageKeys, body: ApiKeyCreate, response: Response) -> ApiKeyCreated:
    """Create a key; `key` is shown this once. It can have no scope that the credential used here lacks."""
    response.headers["Cache-Control"] = "no-store"
    return await make_key(tenant.session, caller=tenant.caller, wanted=body)


@router.delete(
    "/{key_id}",
    status_code=204,
    operation_id="revoke_api_key",
    summary="Revoke an API key",
    responses=describe_problems(NotFound),
)
async def revoke_api_key(
    tenant: CanManageKeys, key_id: Annotated[UUID, Path(description="The `id` of the key.")]
) -> None:
    """Revoke a key at once: also the very one that asks. It stays in the list, with the instant."""
    await keys.revoke_key(tenant.session, school_id=tenant.school_id, key_id=key_id)
