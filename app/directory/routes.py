"""`/v1/directory`: what the platform pushes of its users, courses and their ties.

Every resource has the same few routes, so they are made from the registry.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, create_model

from app.core.errors import Conflict, Forbidden, InvalidInput, MalformedRequest, NotFound, Unauthenticated
from app.core.http import describe_problems
from app.core.pages import Cursor, Limit, decode_cursor, make_page
from app.core.schema import Body, Page, Reference
from app.directory import export, queries
from app.directory.erasure import erase_user
from app.directory.export import UserExport
from app.directory.preferences import (
    PreferencesPatch,
    PreferencesView,
    change_preferences,
    read_preferences,
)
from app.directory.registry import RESOURCES
from app.directory.resources import Resource
from app.directory.schemas import SyncResult
from app.directory.sync import sync_items
from app.directory.views import view_of
from app.schools.access import CanReadCampaigns, CanReadDirectory, CanWriteDirectory, CanWritePreferences

MOST_ITEMS = 1000
ExternalId = Annotated[
    Reference, Path(description="The platform's own id of the record; slashes may be in it.")
]
router = APIRouter(
    prefix="/v1/directory", tags=["Directory"], responses=describe_problems(Unauthenticated, Forbidden)
)


def _name_one(resource: Resource) -> str:
    return resource.model.__name__.lower()


def _add_sync(resource: Resource) -> None:
    items: Any = Annotated[list[resource.item], Field(min_length=1, max_length=MOST_ITEMS)]  # type: ignore[name-defined]  # known only now
    batch = create_model(f"{resource.model.__name__}Batch", __base__=Body, items=(items, ...))
    example = {"items": resource.item.model_json_schema()["examples"]}

    async def sync(tenant: CanWriteDirectory, body: Any) -> SyncResult:  # a batch, below
        return await sync_items(
            tenant.session, school_id=tenant.school_id, resource=resource, items=body.items
        )

    sync.__annotations__["body"] = batch
    router.add_api_route(
        f"/{resource.name}",
        sync,
        methods=["PUT"],
        operation_id=f"sync_{resource.name}",
        summary=f"Push {resource.name}",
        description=f"Upsert up to {MOST_ITEMS} {resource.name} in one transaction: all of them, or none.",
        response_model=resource.result,
        openapi_extra={"requestBody": {"content": {"application/json": {"example": example}}}},
        responses=describe_problems(MalformedRequest, InvalidInput),
    )


def _add_list(resource: Resource) -> None:
    view: Any = view_of(resource)

    async def list_records(
        tenant: CanReadDirectory,
        limit: Annotated[Limit, Query()] = 50,
        cursor: Annotated[Cursor, Query()] = None,
    ) -> Page[Any]:
        after = decode_cursor(cursor, str)[0] if cursor else None
        rows = await queries.list_records(
            tenant.session, school_id=tenant.school_id, model=resource.model, after=after, limit=limit + 1
        )
        return make_page(rows, limit=limit, view=view.model_validate, key=lambda row: (row.external_id,))

    router.add_api_route(
        f"/{resource.name}",
        list_records,
        methods=["GET"],
        operation_id=f"list_{resource.name}",
        summary=f"List {resource.name}",
        description="In the order of their external ids.",
        response_model=Page[view],
        responses=describe_problems(MalformedRequest, InvalidInput),
    )


def _add_get(resource: Resource) -> None:
    view = view_of(resource)

    async def get_record(tenant: CanReadDirectory, external_id: ExternalId) -> Any:  # a view
        row = await queries.get_record(
            tenant.session, school_id=tenant.school_id, model=resource.model, external_id=external_id
        )
        return view.model_validate(row)

    router.add_api_route(
        f"/{resource.name}/{{external_id:path}}",
        get_record,
        methods=["GET"],
        operation_id=f"get_{_name_one(resource)}",
        summary=f"Read one of the {resource.name}",
        description="By the platform's own id.",
        response_model=view,
        responses=describe_problems(NotFound, InvalidInput),
    )


def _add_delete(resource: Resource) -> None:
    async def delete_record(tenant: CanWriteDirectory, external_id: ExternalId) -> None:
        await queries.delete_record(
            tenant.session, school_id=tenant.school_id, model=resource.model, external_id=external_id
        )

    router.add_api_route(
        f"/{resource.name}/{{external_id:path}}",
        delete_record,
        methods=["DELETE"],
        status_code=204,
        operation_id=f"delete_{_name_one(resource)}",
        summary=f"Remove one of the {resource.name}",
        description="A record that others refer to stays, with 409.",
        responses=describe_problems(NotFound, Conflict, InvalidInput),
    )


@router.get(
    "/users/{external_id:path}/export",
    operation_id="export_user",
    summary="Export all that is held on a user",
    responses=describe_problems(NotFound, InvalidInput),
)
async def export_user(
    request: Request,
    response: Response,
    tenant: CanReadDirectory,
    _: CanReadCampaigns,
    external_id: ExternalId,
) -> UserExport:
    """Answer the record, what belongs to it, consent with its history, and every mail with its events."""
    response.headers["Content-Disposition"] = 'attachment; filename="user.json"'
    return await export.export_user(
        tenant.session,
        school_id=tenant.school_id,
        external_id=external_id,
        holdings=request.app.state.holdings,
    )


@router.get(
    "/users/{external_id:path}/preferences",
    operation_id="get_preferences",
    summary="Read a user's preferences and the proof of consent",
    responses=describe_problems(MalformedRequest, NotFound, InvalidInput),
)
async def get_preferences(
    tenant: CanReadDirectory,
    external_id: ExternalId,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> PreferencesView:
    """Answer what the user wishes to be sent, and every change at their address; `cursor` pages those."""
    return await read_preferences(
        tenant.session, school_id=tenant.school_id, external_id=external_id, limit=limit, cursor=cursor
    )


@router.patch(
    "/users/{external_id:path}/preferences",
    operation_id="patch_preferences",
    summary="Record a user's preferences",
    responses=describe_problems(MalformedRequest, NotFound, InvalidInput),
)
async def patch_preferences(
    tenant: CanWritePreferences, external_id: ExternalId, patch: PreferencesPatch
) -> PreferencesView:
    """Subscribe or unsubscribe the user's address, at once and for everybody who has it; others stay."""
    return await change_preferences(
        tenant.session, school_id=tenant.school_id, external_id=external_id, patch=patch
    )


@router.delete(
    "/users/{external_id:path}",
    status_code=204,
    operation_id="delete_user",
    summary="Erase a user",
    responses=describe_problems(NotFound, InvalidInput),
)
async def delete_user(request: Request, tenant: CanWriteDirectory, external_id: ExternalId) -> None:
    """Remove a user and all their records, and erase their personal data everywhere; the counts stay."""
    await erase_user(
        tenant.session,
        school_id=tenant.school_id,
        external_id=external_id,
        holdings=request.app.state.holdings,
    )


for each in RESOURCES:
    _add_sync(each)
    _add_list(each)
    _add_get(each)
    if each.removable:
        _add_delete(each)
