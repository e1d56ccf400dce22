"""The database: engine, declarative base, and the two kinds of transaction there are."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from sqlalchemy import Connection, DateTime, MetaData, String, Text, text
from sqlalchemy.dialects.postgresql import BYTEA, JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase

from app.core.config import Settings

TENANT_ROLE = "campaigns_tenant"

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

AWAY_STATES = ("08", "57P", "53")
"""SQLSTATE classes: connection exception, shutdown in progress, insufficient resources."""

_BY_KEY = "SELECT " + ", ".join(
    f"set_config('enable_{way}', 'off', true)" for way in ("hashjoin", "mergejoin", "seqscan")
)

Instant = DateTime(timezone=True)
ExternalId = String(255, collation="C")
"""The platform's own name for a record; compared byte by byte, which is also the fastest collation."""
Bytes = BYTEA
Json = JSONB


class Base(DeclarativeBase):
    """Every table; all but `schools` lead their primary key with `school_id`."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {str: Text}  # noqa: RUF012  # SQLAlchemy reads it as a class attribute


class Database:
    """One engine, two kinds of transaction: a tenant's, which sees one school, and the system's."""

    def __init__(self, settings: Settings, *, name: str = "campaigns") -> None:
        self.engine: AsyncEngine = create_async_engine(
            settings.database_url,
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=10,
            pool_pre_ping=False,
            hide_parameters=True,  # a statement's values are people's data and must reach no log
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "command_timeout": 60,
                "server_settings": {"application_name": name, "jit": "off", "timezone": "UTC"},
            },
        )

    @asynccontextmanager
    async def tenant_transaction(self, school_id: UUID) -> AsyncIterator[AsyncSession]:
        """Open a transaction that can see and change the rows of one school and no other.

        Role and school are plain SET LOCAL statements, the first of the transaction: they end with it,
        whatever happens, and Citus passes them on to its nodes.
        """
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            async with session.begin():
                connection = await session.connection()
                await connection.exec_driver_sql(f"SET LOCAL ROLE {TENANT_ROLE}")
                await connection.exec_driver_sql(f"SET LOCAL app.school_id = '{UUID(str(school_id))}'")
                yield session
            await _run_after_commit(session)

    @asynccontextmanager
    async def system_transaction(self) -> AsyncIterator[AsyncSession]:
        """Open a transaction of the owner: batch writers, sweeps, and what belongs to no school yet."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            async with session.begin():
                yield session
            await _run_after_commit(session)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction of the owner without the ORM, for the hot paths."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def keyed_connection(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction as `connection` does, in which rows are looked up by their keys, one by one.

        Hundreds of rows are wanted of tables that may hold millions. As the planner reckons the cost of a
        page, reading a whole campaign to join them is cheaper up to some 100,000 rows; it takes far longer.
        """
        async with self.connection() as connection:
            await connection.exec_driver_sql(_BY_KEY)
            yield connection

    async def close(self) -> None:
        """Close every pooled connection."""
        await self.engine.dispose()


async def become_owner(session: AsyncSession) -> None:
    """Go on as the owner in a tenant's own transaction; from here on statements name the school themselves.

    For the few requests that change what only the system writes. A second transaction beside the first would
    take two connections of the pool at once, and could commit without it.
    """
    await session.execute(text("SET LOCAL ROLE NONE"))


async def run_sql(connection: AsyncConnection, statement: str, *values: Any) -> Sequence[Any]:
    """Run a statement with `$1`… parameters as the driver takes them, arrays of any length among them.

    Return its rows, none for a plain write.
    """
    result = await connection.exec_driver_sql(statement, values)
    return result.all() if result.returns_rows else ()


async def run_lean(connection: AsyncConnection, statement: str, *values: Any) -> Sequence[Any]:
    """Run a statement as `run_sql` does, its rows without names, in a fraction of the time.

    For the hot paths: SQLAlchemy begins the transaction and ends it, and stands aside in between. What goes
    wrong is a DBAPIError all the same.
    """
    driver: Any = cast(Connection, connection.sync_connection).connection.driver_connection
    if not driver.is_in_transaction():
        return await run_sql(connection, statement, *values)
    try:
        rows: Sequence[Any] = await driver.fetch(statement, *values)
    except asyncio.CancelledError:
        await connection.invalidate()  # it is in the middle of something: nobody may wait for that to end
        raise
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        closed = driver.is_closed()
        raise DBAPIError(None, None, error, hide_parameters=True, connection_invalidated=closed) from error
    return rows


async def _run_after_commit(session: AsyncSession) -> None:
    for action in session.info.pop("after_commit", ()):
        await action()


def is_disconnect(error: BaseException) -> bool:
    """Tell whether an error means that PostgreSQL was away, not that the statement was wrong."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(AWAY_STATES)
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "").startswith(AWAY_STATES)
    return isinstance(error, OSError | PoolTimeoutError | TimeoutError)


def is_contention(error: BaseException) -> bool:
    """Tell whether a transaction lost a race (deadlock, serialization) and can simply be run again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}
