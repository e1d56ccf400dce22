"""The life of an import: begun, read while it arrives, completed or failed. What has landed stays."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

import structlog
from sqlalchemy import func, update

from app.core.db import Database, is_disconnect
from app.core.errors import AppError, Unavailable, UnsupportedMediaType
from app.core.ids import new_id
from app.directory.imports.csv_rows import CsvReader
from app.directory.imports.landing import Job
from app.directory.imports.models import Import
from app.directory.imports.queries import get_import
from app.directory.imports.reading import read_file
from app.directory.imports.rows import JsonReader, RowReader
from app.directory.imports.schemas import ImportFormat, ImportView, view_import
from app.directory.registry import RESOURCES
from app.schools.service import get_school

FORMATS: Mapping[str, ImportFormat] = {
    "application/x-ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "text/csv": "csv",
}
_RESOURCES = {resource.name: resource for resource in RESOURCES}
_READERS: Mapping[ImportFormat, type[JsonReader | CsvReader]] = {"ndjson": JsonReader, "csv": CsvReader}
MOST_REASON = 2000
AWAY = "The database went away; send the file again."

log = structlog.get_logger(__name__)


def check_resource(name: str) -> str:
    """Return the name of a resource; ValueError says which there are."""
    if name not in _RESOURCES:
        raise ValueError(f"must be one of: {', '.join(_RESOURCES)}")
    return name


def read_format(content_type: str, content_encoding: str) -> ImportFormat:
    """Return the format of a body by its headers; UnsupportedMediaType says what can be read."""
    kind, *parameters = (part.strip().lower() for part in content_type.split(";"))
    if kind not in FORMATS:
        raise UnsupportedMediaType(f"The Content-Type must be one of: {', '.join(FORMATS)}.")
    charsets = {part.partition("=")[2].strip('"') for part in parameters if part.startswith("charset=")}
    if not charsets <= {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType("The file must be UTF-8.")
    if content_encoding.strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType(
            "The body must not be compressed: send it without Content-Encoding.",
            headers={"Accept-Encoding": "identity"},
        )
    return FORMATS[kind]


async def run_import(
    database: Database,
    *,
    school_id: UUID,
    resource: str,
    file_format: ImportFormat,
    pieces: AsyncIterator[bytes],
) -> ImportView:
    """Read the file as it arrives, land its rows, and return what became of them.

    Holds no transaction but those of its chunks. Whatever ends it early is kept as the import's reason, and
    raised.
    """
    async with database.tenant_transaction(school_id) as session:
        job = Job(await get_school(session, school_id=school_id), new_id(), _RESOURCES[resource])
        session.add(Import(school_id=school_id, id=job.id, resource=resource, format=file_format))
    reader: RowReader = _READERS[file_format](job.resource.item)
    try:
        await read_file(database, job, pieces, reader)
    except BaseException as error:
        await asyncio.shield(_fail(database, job, _explain(error)))
        if is_disconnect(error):
            raise Unavailable(AWAY, import_id=str(job.id)) from error
        if isinstance(error, AppError):
            error.members["import_id"] = str(job.id)
        raise
    return await _end(database, job, "completed", None)


async def _end(database: Database, job: Job, status: str, reason: str | None) -> ImportView:
    async with database.tenant_transaction(job.school_id) as session:
        await session.execute(
            update(Import)
            .where(Import.school_id == job.school_id, Import.id == job.id)
            .values(status=status, status_reason=reason, progressed_at=func.now(), finished_at=func.now())
            .execution_options(synchronize_session=False)
        )
        row = await get_import(session, school_id=job.school_id, import_id=job.id)
    log.info(
        "import ended",
        import_id=str(job.id),
        resource=job.resource.name,
        status=status,
        rows=row.rows_read,
        rejected=row.rows_rejected,
    )
    return view_import(row)


async def _fail(database: Database, job: Job, reason: str) -> None:
    try:
        await _end(database, job, "failed", reason)
    except Exception as error:
        if not is_disconnect(error):
            raise
        # It will be found abandoned: nobody hears of it any more.
        log.warning("the database is away", import_id=str(job.id))


def _explain(error: BaseException) -> str:
    if isinstance(error, AppError):
        faults = "; ".join(f"{fault.pointer} {fault.detail}" for fault in error.errors)
        return f"{error.detail} {faults}".strip()[:MOST_REASON]
    if isinstance(error, asyncio.CancelledError):
        return "The server stopped; send the file again."
    if is_disconnect(error):
        return AWAY
    return "A fault of the product, which its log describes."
