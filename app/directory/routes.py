"""`/v1/directory`: what the platform pushes of its users, courses and their ties."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field, create_model

from app.core.http import describe_problems
from app.core.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from app.core.pages import Cursor, Limit, decode_cursor, make_page
from app.core.schema import Body, Page
from app.directory import queries
from app.directory.resources import RESOURCES, Resource
from app.directory.schemas import SyncResult, UserSyncResult
from app.directory.sync import sync_records
from app.directory.users import sync_users
from app.directory.views import view_of
from app.schools.access import CanReadDirectory, CanWriteDirectory

MOST_ITEMS = 1000
router = APIRouter(
    prefix="/v1/directory", tags=["Directory"], responses=describe_problems(Unauthenticated, Forbidden)
)


def _singular(resource: Resource) -> str:
    return resource.model.__name__.lower()


def _add_sync(resource: Resource) -> None:
    batch: Any = create_model(
        f"{resource.model.__name__}Batch",
        __base__=Body,
        items=(Annotated[list[resource.item], Field(min_length=1, max_length=MOST_ITEMS)], ...),  # type: ignore[name-defined]  # made at run time
    )

    async def sync(tenant: CanWriteDirectory, body: batch) -> SyncResult:
        write: Callable[..., Awaitable[SyncResult]] = sync_users if resource.name == "users" else sync_records
        more = {} if resource.name == "users" else {"resource": resource}
        return await write(tenant.session, school_id=tenant.school_id, items=body.items, **more)

    router.add_api_route(
        f"/{resource.name}",
        sync,
        methods=["PUT"],
        operation_id=f"sync_{resource.name}",
        summary=f"Push {resource.name}",
        description=f"Upsert up to {MOST_ITEMS} {resource.name} in one transaction: all of them, or none.",
        response_model=UserSyncResult if resource.name == "users" else SyncResult,
        responses=describe_problems(InvalidInput),
    )


def _add_reads(resource: Resource) -> None:
    view = view_of(resource)

    async def list_records(
        tenant: CanReadDirectory, limit: Annotated[Limit, Query()] = 50, cursor: Annotated[Cursor, Query()] = None
    ) -> Page[Any]:
        after = decode_cursor(cursor, str)[0] if cursor else None
        rows = await queries.list_records(
            tenant.session, school_id=tenant.school_id, model=resource.model, after=after, limit=limit + 1
        )
        return make_page(rows, limit=limit, view=view.model_validate, key=lambda row: (row.external_id,))

    async def get_record(tenant: CanReadDirectory, external_id: str) -> Any:  # noqa: ANN401  # typed below
        row = await queries.get_record(
            tenant.session, school_id=tenant.school_id, model=resource.model, external_id=external_id
        )
        return view.model_validate(row)

    router.add_api_route(
        f"/{resource.name}",
        list_records,
        methods=["GET"],
        operation_id=f"list_{resource.name}",
        summary=f"List {resource.name}",
        response_model=Page[view],  # type: ignore[valid-type]  # made at run time
        responses=describe_problems(InvalidInput),
    )
    router.add_api_route(
        f"/{resource.name}/{{external_id}}",
        get_record,
        methods=["GET"],
        operation_id=f"get_{_singular(resource)}",
        summary=f"Read one of the {resource.name}",
        response_model=view,
        responses=describe_problems(NotFound),
    )


def _add_delete(resource: Resource) -> None:
    async def delete_record(tenant: CanWriteDirectory, external_id: str) -> None:
        await queries.delete_record(
            tenant.session, school_id=tenant.school_id, model=resource.model, external_id=external_id
        )

    router.add_api_route(
        f"/{resource.name}/{{external_id}}",
        delete_record,
        methods=["DELETE"],
        status_code=204,
        operation_id=f"delete_{_singular(resource)}",
        summary=f"Remove one of the {resource.name}",
        responses=describe_problems(NotFound, Conflict),
    )


for each in RESOURCES:
    _add_sync(each)
    _add_reads(each)
    if each.name != "users":  # removing a person is erasure, which is more than a DELETE of one row
        _add_delete(each)
