"""Statements that go straight to the driver are part of SQLAlchemy's transaction, and fail as others do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import Database, is_contention, is_disconnect, run_lean
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(30)
_ADD = """
    INSERT INTO configuration_sets (name, last_event_at) VALUES ($1, now())
    ON CONFLICT (name) DO UPDATE SET last_event_at = now()
"""
_READ = "SELECT name FROM configuration_sets WHERE name IN ('a', 'b') ORDER BY name"
_SLEEPING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'
"""
_CLEAN = "DELETE FROM configuration_sets WHERE name IN ('a', 'b')"


@pytest.fixture(autouse=True)
async def _clean(database: Database) -> AsyncIterator[None]:
    yield
    async with database.connection() as connection:
        await run_lean(connection, _CLEAN)


async def read(database: Database) -> list[str]:
    """Read what is committed, in another transaction."""
    async with database.connection() as connection:
        return [row[0] for row in await run_lean(connection, _READ)]


async def fail(database: Database, work: Callable[[AsyncConnection], Awaitable[object]]) -> DBAPIError:
    """Return the error that the work ends with, in a transaction."""

    async def attempt() -> None:
        async with database.connection() as connection:
            await work(connection)

    with pytest.raises(DBAPIError) as caught:
        await attempt()
    return caught.value


async def test_all_of_a_transaction_is_kept_when_it_is_committed(database: Database) -> None:
    async with database.connection() as connection:
        for name in ("a", "b", "b"):
            assert not await run_lean(connection, _ADD, name)
        assert await read(database) == []
    assert await read(database) == ["a", "b"]


async def test_nothing_of_a_transaction_is_kept_when_it_fails(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        await run_lean(connection, _ADD, "a")
        await run_lean(connection, _ADD, "b")
        await run_lean(connection, "SELECT 1 / ($1::int - 424242)", 424242)

    error = await fail(database, work)
    assert not is_disconnect(error)
    assert not is_contention(error)
    assert "424242" not in str(error)
    assert await read(database) == []


async def test_a_lost_connection_is_told_from_a_fault_and_the_next_one_works(database: Database) -> None:
    async def work(connection: AsyncConnection) -> None:
        ((process,),) = await run_lean(connection, "SELECT pg_backend_pid()")
        async with database.connection() as other:
            await run_lean(other, "SELECT pg_terminate_backend($1)", process)
        await run_lean(connection, _READ)

    assert is_disconnect(await fail(database, work))
    assert await read(database) == []


async def test_a_deadlock_is_a_lost_race(database: Database) -> None:
    both = asyncio.Barrier(2)

    async def take(*names: str) -> None:
        async with database.connection() as connection:
            await run_lean(connection, _ADD, names[0])
            await both.wait()
            await run_lean(connection, _ADD, names[1])

    results = await asyncio.gather(take("a", "b"), take("b", "a"), return_exceptions=True)
    (failure,) = [result for result in results if result is not None]
    assert isinstance(failure, DBAPIError)
    assert is_contention(failure)


async def test_whoever_is_cancelled_waits_for_nothing_and_leaves_nothing(database: Database) -> None:
    async def work() -> None:
        async with database.connection() as connection:
            await run_lean(connection, _ADD, "a")
            await run_lean(connection, "SELECT pg_sleep(60)")

    async def count_sleeping() -> int:
        async with database.connection() as connection:
            ((count,),) = await run_lean(connection, _SLEEPING)
        return int(count)

    working = asyncio.create_task(work())
    await eventually(count_sleeping, lambda count: count == 1)
    working.cancel()
    async with asyncio.timeout(10):
        await asyncio.wait([working])
    assert working.cancelled()
    assert await read(database) == []
