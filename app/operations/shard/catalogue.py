"""The tables there are, as PostgreSQL's own catalogue has them."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql

_TABLES: Final = """
    SELECT c.relname::text,
        EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attname = 'school_id' AND NOT a.attisdropped
        ),
        ARRAY(
            SELECT i.indexrelid::regclass::text FROM pg_index i
            WHERE i.indrelid = c.oid AND i.indisunique AND NOT EXISTS (
                SELECT FROM unnest(i.indkey) AS k (number)
                JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.number
                WHERE a.attname = 'school_id'
            )
        )
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    ORDER BY c.relname
"""
_KEYS: Final = """
    SELECT k.conname::text, k.conrelid::regclass::text, k.confrelid::regclass::text,
        pg_get_constraintdef(k.oid),
        EXISTS (
            SELECT FROM unnest(k.conkey, k.confkey) AS pair (here, there)
            JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.here
            JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.there
            WHERE a.attname = 'school_id' AND b.attname = 'school_id'
        )
    FROM pg_constraint k
    WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND k.conparentid = 0
    ORDER BY k.conrelid::regclass::text, k.conname
"""
_VERSION: Final = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"
_DISTRIBUTED: Final = "SELECT logicalrelid::regclass::text FROM pg_dist_partition"
_DATABASE: Final = "SELECT quote_ident(current_database())"


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is no partition; `loose_indexes` are unique without the school."""

    name: str
    has_school: bool
    loose_indexes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key, and whether it joins the school of both sides."""

    name: str
    table: str
    target: str
    definition: str
    keeps_school: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What there is, and what Citus distributes already; no `citus_version` where there is no Citus."""

    database: str
    tables: tuple[Table, ...]
    keys: tuple[ForeignKey, ...]
    citus_version: str | None = None
    distributed: frozenset[str] = frozenset()


async def read_catalogue(connection: AsyncConnection) -> Catalogue:
    """Read it all."""
    ((database,),) = await run_sql(connection, _DATABASE)
    tables = [Table(row[0], row[1], tuple(row[2])) for row in await run_sql(connection, _TABLES)]
    keys = [ForeignKey(*row) for row in await run_sql(connection, _KEYS)]
    versions = await run_sql(connection, _VERSION)
    distributed = await run_sql(connection, _DISTRIBUTED) if versions else ()
    return Catalogue(
        database,
        tuple(tables),
        tuple(keys),
        versions[0][0] if versions else None,
        frozenset(row[0] for row in distributed),
    )
