"""How a chunk of rows lands: its good rows, the reasons against the others and the progress, all at once."""

from asyncio import Task, wait
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import func, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import Database, is_contention, run_sql
from app.directory.imports.models import Import
from app.directory.imports.rows import Row, RowFault
from app.directory.resources import Resource
from app.directory.schemas import SyncResult
from app.directory.sync import find_dangling
from app.directory.upsert import Row as Pushed
from app.directory.upsert import stage_by_copy
from app.schools.models import School

MOST_ROWS = 2000
MOST_BYTES = 1024 * 1024
TRIES = 4

_REJECT = """
    INSERT INTO import_rejections (school_id, import_id, line, ordinal, field, reason)
    SELECT $1, $2, line, ordinal, field, reason
    FROM unnest($3::bigint[], $4::int[], $5::text[], $6::text[]) AS rejection (line, ordinal, field, reason)
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One import: whose, which, and of what."""

    school: School
    id: UUID
    resource: Resource

    @property
    def school_id(self) -> UUID:
        """Whose it is."""
        return self.school.id


@dataclass(slots=True)
class Chunk:
    """Rows that land together: no more than fit in memory three times, and no record twice."""

    job: Job
    bytes_read: int = 0
    """Of the file, up to the last of these rows."""
    size: int = 0
    good: dict[str, tuple[int, Pushed]] = field(default_factory=dict)
    """Line and row by external id."""
    bad: dict[int, tuple[RowFault, ...]] = field(default_factory=dict)
    """Faults by line."""

    def add(self, row: Row) -> None:
        """Take a row in."""
        self.size += row.size
        if row.item is None:
            self.bad[row.line] = row.faults
        else:
            pushed = self.job.resource.make_row(self.job.school, row.item)
            self.good[row.item.external_id] = (row.line, pushed)

    def takes(self, row: Row) -> bool:
        """Tell whether the row may join: one more of the same record must come after those before it."""
        is_full = len(self.good) + len(self.bad) >= MOST_ROWS or self.size >= MOST_BYTES
        return not is_full and (row.item is None or row.item.external_id not in self.good)


async def land_chunk(database: Database, chunk: Chunk, before: Task[None] | None) -> None:
    """Land a chunk in a transaction of its own, after the one `before` it; a lost race is run again.

    So is a record that vanishes between the check of what refers to it and the write: the check then finds it
    gone, and rejects the row. Whatever ended the one before ends this one too.
    """
    for left in reversed(range(TRIES)):
        try:
            async with database.tenant_transaction(chunk.job.school_id) as session:
                # The next chunk need not wait for the disk: the import's last transaction waits for all.
                await session.execute(text("SET LOCAL synchronous_commit = off"))
                await _land(session, chunk, before)
        except DBAPIError as error:
            if not left or not (is_contention(error) or isinstance(error, IntegrityError)):
                raise
        else:
            return


async def _land(session: AsyncSession, chunk: Chunk, before: Task[None] | None) -> None:
    job, rejected = chunk.job, dict(chunk.bad)
    lines, rows = zip(*chunk.good.values(), strict=True) if chunk.good else ((), ())
    for each in await find_dangling(session, school_id=job.school_id, resource=job.resource, rows=rows):
        line = lines[each.index]
        rejected[line] = (*rejected.get(line, ()), RowFault(each.field, each.reason))
    kept = [row for line, row in chunk.good.values() if line not in rejected]
    result = SyncResult(created=0, updated=0, unchanged=0)
    pushed = await stage_by_copy(session, job.resource.columns, kept) if kept else None
    if before is not None:
        await wait([before])
        before.result()
    if pushed is not None:
        result = await job.resource.land(
            session, school_id=job.school_id, resource=job.resource, pushed=pushed
        )
    if rejected:
        connection = await session.connection()
        columns = map(list, zip(*_list_rejections(rejected), strict=True))
        await run_sql(connection, _REJECT, job.school_id, job.id, *columns)
    await _progress(session, chunk, result, rejected=len(rejected))


def _list_rejections(rejected: dict[int, tuple[RowFault, ...]]) -> Iterator[tuple[int, int, str, str]]:
    for line, faults in rejected.items():
        for ordinal, fault in enumerate(faults):
            yield line, ordinal, fault.field, fault.reason


async def _progress(session: AsyncSession, chunk: Chunk, result: SyncResult, *, rejected: int) -> None:
    stored = result.created + result.updated + result.unchanged
    await session.execute(
        update(Import)
        .where(Import.school_id == chunk.job.school_id, Import.id == chunk.job.id)
        .values(
            rows_read=Import.rows_read + stored + rejected,
            rows_stored=Import.rows_stored + stored,
            rows_rejected=Import.rows_rejected + rejected,
            created=Import.created + result.created,
            updated=Import.updated + result.updated,
            unchanged=Import.unchanged + result.unchanged,
            preferences_kept=Import.preferences_kept + getattr(result, "preferences_kept", 0),
            bytes_read=chunk.bytes_read,
            progressed_at=func.now(),
        )
        .execution_options(synchronize_session=False)
    )
