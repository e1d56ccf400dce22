"""How a batch of records lands: all of it or, with every fault named, none."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Boolean, Table, Text, cast, column, func, literal, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.errors import Fault, InvalidInput
from app.directory.models import Record
from app.directory.resources import Resource
from app.directory.schemas import RecordItem, SyncResult


async def sync_records(
    session: AsyncSession, *, school_id: UUID, resource: Resource, items: Sequence[RecordItem]
) -> SyncResult:
    """Upsert the items in the session's transaction; InvalidInput names each fault by index and field."""
    check_duplicates(items)
    await check_references(session, school_id=school_id, resource=resource, items=items)
    rows = [{"school_id": school_id, **item.model_dump()} for item in items]
    return await upsert_rows(session, model=resource.model, rows=rows)


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


async def check_references(
    session: AsyncSession, *, school_id: UUID, resource: Resource, items: Sequence[RecordItem]
) -> None:
    """Refuse a batch in which an item names a record that the school does not have."""
    faults = []
    for field, model in resource.references.items():
        named = {getattr(item, field) for item in items} - {None}
        if not named:
            continue
        known = set(
            await session.scalars(
                select(model.external_id).where(
                    model.school_id == school_id, model.external_id == func.any(list(named))
                )
            )
        )
        faults += [
            Fault(f"/items/{index}/{field}", f"there is no such record in {_table(model).name}")
            for index, item in enumerate(items)
            if getattr(item, field) is not None and getattr(item, field) not in known
        ]
    if faults:
        raise InvalidInput(errors=faults)


async def upsert_rows(
    session: AsyncSession, *, model: type[Record], rows: Sequence[dict[str, Any]]
) -> SyncResult:
    """Insert or update the rows by external id; a row that would not change is left alone.

    The rows travel as one JSON parameter, which PostgreSQL unpacks by the table's own column types: one
    statement whatever the number of rows.
    """
    table = _table(model)
    names = list(rows[0])
    unpacked = (
        func.jsonb_to_recordset(cast(literal(orjson.dumps(rows, default=_encode).decode(), Text), JSONB))
        .table_valued(*(column(name, table.c[name].type) for name in names), name="pushed")
        .render_derived(with_types=True)
    )
    insertion = insert(table).from_select(names, select(*(unpacked.c[name] for name in names)))
    changing = [name for name in names if name not in {"school_id", "external_id"}]
    statement = insertion.on_conflict_do_update(
        index_elements=["school_id", "external_id"],
        set_={**{name: insertion.excluded[name] for name in changing}, "updated_at": func.now()},
        where=_differs(table, insertion.excluded, changing),
    ).returning(literal_column("(xmax = 0)", Boolean).label("created"))
    outcome = (await session.scalars(statement)).all()
    created = sum(1 for was_created in outcome if was_created)
    return SyncResult(created=created, updated=len(outcome) - created, unchanged=len(rows) - len(outcome))


def _differs(table: Table, excluded: Any, names: Sequence[str]) -> Any:  # Core expressions
    return or_(*(table.c[name].is_distinct_from(excluded[name]) for name in names))


def _table(model: type[Record]) -> Table:
    table = model.__table__  # type: ignore[attr-defined]  # every concrete Record is mapped
    assert isinstance(table, Table)
    return table


def _encode(value: object) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, UUID):  # asyncpg's own kind of UUID
        return str(value)
    raise TypeError(type(value).__name__)
