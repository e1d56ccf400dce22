"""How a batch of records lands: all of it or, with every fault named, none."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID

from sqlalchemy import FromClause, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Fault, InvalidInput
from app.directory.lookup import look_up
from app.directory.resources import Resource
from app.directory.schemas import RecordItem, SyncResult
from app.directory.upsert import Columns, Pushed, Row, stage_as_json, table_of, upsert_from
from app.schools.models import School
from app.schools.service import get_school


@dataclass(frozen=True, slots=True)
class Dangling:
    """A row that names a record the school does not have: which row, in which field, and why not."""

    index: int
    field: str
    reason: str


async def sync_items(
    session: AsyncSession, *, school_id: UUID, resource: Resource, items: Sequence[RecordItem]
) -> SyncResult:
    """Upsert the items in the session's transaction; InvalidInput names each fault by index and field."""
    check_duplicates(items)
    school = await get_school(session, school_id=school_id)
    rows = [resource.make_row(school, item) for item in items]
    dangling = await find_dangling(session, school_id=school_id, resource=resource, rows=rows)
    if dangling:
        raise InvalidInput(
            errors=[Fault(f"/items/{each.index}/{each.field}", each.reason) for each in dangling]
        )
    pushed = stage_as_json(resource.columns, rows)
    return await resource.land(session, school_id=school_id, resource=resource, pushed=pushed)


def make_record(school: School, item: RecordItem) -> Row:
    """Make an item a row; users have more to them."""
    return {"school_id": school.id, **item.__dict__}


async def land_records(
    session: AsyncSession, *, school_id: UUID, resource: Resource, pushed: Pushed
) -> SyncResult:
    """Upsert rows that are known to be good; users land in a way of their own."""
    del school_id
    statement = _land_statement(table_of(resource.model), resource.columns, pushed.rows)
    created, changed = (await session.execute(statement, pushed.values)).one()
    return SyncResult(created=created, updated=changed - created, unchanged=pushed.count - changed)


@cache
def _land_statement(table: Table, columns: Columns, rows: FromClause) -> Select[int, int]:
    upserted = upsert_from(table, [name for name, _ in columns], rows)
    return select(func.count().filter(upserted.c.created), func.count()).select_from(upserted)


def check_duplicates(items: Sequence[RecordItem]) -> None:
    """Refuse a batch that names one record twice: which of the two is meant cannot be known."""
    first: dict[str, int] = {}
    faults = []
    for index, item in enumerate(items):
        seen = first.setdefault(item.external_id, index)
        if seen != index:
            faults.append(Fault(f"/items/{index}/external_id", f"is the same as that of item {seen}"))
    if faults:
        raise InvalidInput(errors=faults)


async def find_dangling(
    session: AsyncSession, *, school_id: UUID, resource: Resource, rows: Sequence[Row]
) -> list[Dangling]:
    """Return every reference of the rows to a record that the school does not have."""
    dangling = []
    for field, model in resource.references.items():
        named = {row[field] for row in rows} - {None}
        known = set(await session.scalars(look_up(model, school_id=school_id, external_ids=named)))
        reason = f"there is no such record in {table_of(model).name}"
        dangling += [
            Dangling(index, field, reason)
            for index, row in enumerate(rows)
            if row[field] is not None and row[field] not in known
        ]
    return dangling
