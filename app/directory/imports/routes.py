"""`/v1/imports`: files of records, of any length, read while they arrive."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query, Request, Response
from pydantic import AfterValidator, WithJsonSchema
from typing_extensions import TypeAliasType

from app.core.errors import (
    BodyCutShort,
    Forbidden,
    InvalidInput,
    NotFound,
    Unauthenticated,
    UnsupportedMediaType,
)
from app.core.http import describe_problems, stream_body
from app.core.pages import Cursor, Limit, decode_cursor, make_page
from app.core.schema import Page
from app.directory.imports import queries, service
from app.directory.imports.schemas import ImportView, RejectionView, view_import
from app.directory.registry import RESOURCES
from app.schools.access import CanReadDirectory, CanStreamDirectory

PREFIX = "/v1/imports"
router = APIRouter(prefix=PREFIX, tags=["Imports"], responses=describe_problems(Unauthenticated, Forbidden))

ImportResource = TypeAliasType(
    "ImportResource",
    Annotated[
        str,
        AfterValidator(service.check_resource),
        WithJsonSchema({"type": "string", "enum": [resource.name for resource in RESOURCES]}),
    ],
)
Encoding = Annotated[
    str,
    WithJsonSchema({"type": "string", "pattern": "^identity$"}),  # 415, where it is another, not 422
    Header(description="A compressed file is not read: 415."),
]
ImportId = Annotated[UUID, Path(description="The `id` of the import.")]
# Generated clients take a `binary` string for a file. Where a client speaks one type alone, it is the last.
_FILE = {
    "required": True,
    "content": {
        "text/csv": {
            "schema": {
                "type": "string",
                "format": "binary",
                "description": "A header row that names the fields, then rows.",
            },
            "example": "external_id,email,attributes.child\nu-7,ines.jensen@riverside.example,Noa\n",
        },
        "application/x-ndjson": {
            "schema": {
                "type": "string",
                "format": "binary",
                "description": "One item a line, as `PUT /v1/directory` takes it.",
            },
            "example": '{"external_id": "u-7", "email": "ines.jensen@riverside.example"}\n',
        },
    },
}


@router.post(
    "",
    status_code=202,
    operation_id="import_records",
    summary="Import a file",
    openapi_extra={"requestBody": _FILE},
    responses=describe_problems(BodyCutShort, UnsupportedMediaType, InvalidInput),
)
async def import_records(
    request: Request,
    response: Response,
    caller: CanStreamDirectory,
    resource: Annotated[ImportResource, Query(description="What the rows are.")],
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
    content_encoding: Encoding = "identity",
) -> ImportView:
    """Store the rows of a file of any length while it arrives; good rows land, bad rows are listed.

    UTF-8, as NDJSON or CSV. In CSV an empty cell is a field left out, and `attributes.KEY` is an attribute,
    as text. A row is at most 64 KB. Rows land in their order: a later one of the same record updates it.
    What has landed stays when the connection breaks; sending the file again changes nothing twice.
    """
    done = await service.run_import(
        request.app.state.database,
        school_id=caller.school_id,
        resource=resource,
        file_format=service.read_format(content_type, content_encoding),
        pieces=stream_body(request),
    )
    response.headers["Location"] = f"{PREFIX}/{done.id}"
    return done


@router.get(
    "",
    operation_id="list_imports",
    summary="List imports",
    responses=describe_problems(InvalidInput),
)
async def list_imports(
    tenant: CanReadDirectory,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[ImportView]:
    """Newest first, those still running included."""
    before = decode_cursor(cursor, UUID)[0] if cursor else None
    rows = await queries.list_imports(
        tenant.session, school_id=tenant.school_id, before=before, limit=limit + 1
    )
    return make_page(rows, limit=limit, view=view_import, key=lambda row: (str(row.id),))


@router.get(
    "/{import_id}",
    operation_id="get_import",
    summary="Read an import",
    responses=describe_problems(NotFound, InvalidInput),
)
async def get_import(tenant: CanReadDirectory, import_id: ImportId) -> ImportView:
    """How far it is, or what became of it."""
    row = await queries.get_import(tenant.session, school_id=tenant.school_id, import_id=import_id)
    return view_import(row)


@router.get(
    "/{import_id}/rejections",
    operation_id="list_import_rejections",
    summary="List the rows that were rejected",
    responses=describe_problems(NotFound, InvalidInput),
)
async def list_rejections(
    tenant: CanReadDirectory,
    import_id: ImportId,
    limit: Annotated[Limit, Query()] = 50,
    cursor: Annotated[Cursor, Query()] = None,
) -> Page[RejectionView]:
    """In the order of the file: every row that was not stored, with each field that is wrong, and why."""
    line, ordinal = decode_cursor(cursor, int, int) if cursor else (0, 0)
    rows = await queries.list_rejections(
        tenant.session,
        school_id=tenant.school_id,
        import_id=import_id,
        after=(line, ordinal),
        limit=limit + 1,
    )
    return make_page(
        rows,
        limit=limit,
        view=RejectionView.model_validate,
        key=lambda row: (row.line, row.ordinal),
    )
