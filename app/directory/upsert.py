"""How rows reach their table: staged where a statement can select from them, then upserted by one."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    CTE,
    Boolean,
    Column,
    FromClause,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import TypeEngine

from app.directory.models import Record

Row = dict[str, Any]
Columns = tuple[tuple[str, TypeEngine[Any]], ...]
"""Names and types of what is pushed, in their order."""
STAGE, PACKED = "pushed", "packed"


@dataclass(frozen=True, slots=True)
class Pushed:
    """Rows staged where a statement can select from them.

    `rows` is the same object for the same columns, so that statements are built once and kept; `values` are
    the parameters that a statement over them needs.
    """

    rows: FromClause
    count: int
    values: Mapping[str, str] = field(default_factory=dict)


def stage_as_json(columns: Columns, rows: Sequence[Row]) -> Pushed:
    """Carry the rows within the statement itself, as one parameter: best for up to a thousand."""
    packed = orjson.dumps(rows, default=_encode).decode()
    return Pushed(_describe_packed(columns), len(rows), {PACKED: packed})


async def stage_by_copy(session: AsyncSession, columns: Columns, rows: Sequence[Row]) -> Pushed:
    """COPY the rows into a temporary table that lasts as long as the transaction: best for thousands.

    Once a transaction. COPY itself cannot write to a table with row-level security, nor update.
    """
    stage = _describe_stage(columns)
    await session.execute(CreateTable(stage))
    names = [name for name, _ in columns]
    packed = [name for name, kind in columns if isinstance(kind, JSONB)]
    pick = itemgetter(*names)
    raw = await (await session.connection()).get_raw_connection()
    driver: Any = raw.driver_connection  # asyncpg's own connection, in the session's transaction
    await driver.copy_records_to_table(
        STAGE,
        schema_name="pg_temp",
        columns=names,
        records=(
            pick(row | {name: orjson.dumps(row[name]).decode() for name in packed} if packed else row)
            for row in rows
        ),
    )
    return Pushed(stage, len(rows))


@cache
def _describe_packed(columns: Columns) -> FromClause:
    packed = cast(bindparam(PACKED, type_=Text), JSONB)
    return (
        func.jsonb_to_recordset(packed)
        .table_valued(*(column(name, kind) for name, kind in columns), name=STAGE)
        .render_derived(with_types=True)
    )


@cache
def _describe_stage(columns: Columns) -> Table:
    described = (Column(name, kind) for name, kind in columns)
    return Table(STAGE, MetaData(), *described, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")


def upsert_from(table: Table, names: Sequence[str], source: FromClause) -> CTE:
    """Insert or update the source's rows by external id; one row comes back for each, `created` or not.

    A row that would not change is left alone, and none comes back for it. They go in the order of their ids,
    so that two at once wait for each other and never in a circle.
    """
    rows = select(*(source.c[name] for name in names)).order_by(source.c.external_id)
    insertion = insert(table).from_select(list(names), rows)
    changing = [name for name in names if name not in {"school_id", "external_id"}]
    return (
        insertion.on_conflict_do_update(
            index_elements=["school_id", "external_id"],
            set_={**{name: insertion.excluded[name] for name in changing}, "updated_at": func.now()},
            where=or_(*(table.c[name].is_distinct_from(insertion.excluded[name]) for name in changing)),
        )
        .returning(literal_column("(xmax = 0)", Boolean).label("created"))
        .cte("upserted")
    )


def table_of(model: type[Record]) -> Table:
    """Return the table of a kind of record."""
    table = model.__table__  # type: ignore[attr-defined]  # every concrete Record is mapped
    assert isinstance(table, Table)
    return table


def columns_of(model: type[Record], names: Iterable[str], **others: TypeEngine[Any]) -> Columns:
    """Return these columns of a table, and others that only a push has."""
    table = table_of(model)
    return (*((name, table.c[name].type) for name in names), *others.items())


def _encode(value: object) -> str:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, UUID):  # asyncpg's own kind of UUID
        return str(value)
    raise TypeError(type(value).__name__)
