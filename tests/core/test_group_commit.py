"""Group commit: batches gather, each submission returns when durable, and nobody pays for another's fault."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import Database
from app.core.group_commit import GroupCommit
from app.core.ids import new_id

pytestmark = pytest.mark.timeout(20)


class Gate:
    """A write that waits to be let through, and remembers the batches that came."""

    def __init__(self) -> None:
        self.batches: list[list[object]] = []
        self.open = asyncio.Event()
        self.entered = asyncio.Event()

    async def write(self, items: Sequence[object]) -> None:
        self.batches.append(list(items))
        self.entered.set()
        await self.open.wait()


class Fault(Exception):
    """What asyncpg raises, as far as anyone looks at it."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def database_error(sqlstate: str) -> DBAPIError:
    return DBAPIError("statement", {}, Fault(sqlstate))


async def started(*submissions: asyncio.Task[None]) -> None:
    """Let the tasks reach their wait."""
    for _ in range(3):
        await asyncio.sleep(0)


async def test_what_comes_during_a_commit_goes_together_with_the_next() -> None:
    gate = Gate()
    commit = GroupCommit(gate.write, most=3)
    first = asyncio.create_task(commit.submit(0))
    await gate.entered.wait()
    rest = [asyncio.create_task(commit.submit(number)) for number in range(1, 6)]
    await started(*rest)
    assert not any(task.done() for task in (first, *rest))
    gate.open.set()
    await asyncio.gather(first, *rest)
    assert gate.batches == [[0], [1, 2, 3], [4, 5]]


async def test_a_submission_returns_only_when_its_write_has() -> None:
    gate = Gate()
    commit = GroupCommit(gate.write)
    task = asyncio.create_task(commit.submit("item"))
    await gate.entered.wait()
    await started(task)
    assert not task.done()
    gate.open.set()
    await task


async def test_it_works_again_after_it_was_idle() -> None:
    gate = Gate()
    gate.open.set()
    commit = GroupCommit(gate.write)
    await commit.submit(1)
    await commit.submit(2)
    assert gate.batches == [[1], [2]]


async def test_who_submits_as_soon_as_the_last_is_durable_waits_for_nobody() -> None:
    gate = Gate()
    gate.open.set()
    commit = GroupCommit(gate.write)
    for number in range(3):
        await commit.submit(number)
    assert gate.batches == [[0], [1], [2]]


async def test_so_many_transactions_go_side_by_side() -> None:
    gate = Gate()
    commit = GroupCommit(gate.write, most=2, side_by_side=2)
    tasks = []
    for number in range(6):
        tasks.append(asyncio.create_task(commit.submit(number)))
        await started(*tasks)
    assert gate.batches == [[0], [1]]
    gate.open.set()
    await asyncio.gather(*tasks)
    assert {item for batch in gate.batches for item in batch} == set(range(6))
    assert [len(batch) for batch in gate.batches] == [1, 1, 2, 2]
    await commit.close()


async def test_nobody_waits_longer_than_their_patience() -> None:
    gate = Gate()
    commit = GroupCommit(gate.write, patience=0.05)
    begun = asyncio.create_task(commit.submit("begun"))
    await gate.entered.wait()
    waiting = asyncio.create_task(commit.submit("waiting"))
    results = await asyncio.gather(begun, waiting, return_exceptions=True)
    assert [type(result) for result in results] == [TimeoutError, TimeoutError]
    gate.open.set()
    await commit.submit("later")
    assert gate.batches == [["begun"], ["later"]]  # who has given up keeps the item in another way
    await commit.close()


async def test_patience_is_counted_for_each_from_their_own_submission() -> None:
    gate = Gate()
    commit = GroupCommit(gate.write, patience=0.1)
    loop = asyncio.get_running_loop()

    async def wait() -> float:
        begun = loop.time()
        with pytest.raises(TimeoutError):
            await commit.submit("item")
        return loop.time() - begun

    overlapping = await asyncio.gather(wait(), wait())
    for waited in (*overlapping, await wait()):
        assert waited > 0.09  # a timer may be a moment early


@pytest.mark.parametrize("size", [1, 2, 7, 50])
async def test_poison_is_its_own_submitters_alone(size: int) -> None:
    written: list[int] = []

    async def write(items: Sequence[int]) -> None:
        if size - 1 in items:
            raise ValueError("poison")
        written.extend(items)

    commit = GroupCommit(write)
    results = await asyncio.gather(*(commit.submit(n) for n in range(size)), return_exceptions=True)
    assert [isinstance(result, ValueError) for result in results] == [*[False] * (size - 1), True]
    assert sorted(written) == list(range(size - 1))


async def test_two_poisons_get_each_their_own_error() -> None:
    async def write(items: Sequence[str]) -> None:
        for item in items:
            if item.startswith("bad"):
                raise ValueError(item)

    commit = GroupCommit(write)
    items = ["a", "bad1", "b", "c", "bad2"]
    results = await asyncio.gather(*map(commit.submit, items), return_exceptions=True)
    assert [str(result) for result in results if result] == ["bad1", "bad2"]


@pytest.mark.parametrize(
    "error",
    [database_error("57P01"), ConnectionRefusedError(), TimeoutError()],
    ids=lambda error: str(type(error)),
)
async def test_a_database_that_is_away_fails_all_at_once(error: Exception) -> None:
    calls = 0

    async def write(items: Sequence[int]) -> None:
        nonlocal calls
        calls += 1
        raise error

    commit = GroupCommit(write)
    results = await asyncio.gather(*map(commit.submit, range(20)), return_exceptions=True)
    assert (calls, set(map(type, results))) == (1, {type(error)})


@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
async def test_a_lost_race_is_run_again(sqlstate: str) -> None:
    written: list[int] = []
    failures = [database_error(sqlstate), database_error(sqlstate)]

    async def write(items: Sequence[int]) -> None:
        if failures:
            raise failures.pop()
        written.extend(items)

    commit = GroupCommit(write)
    await asyncio.gather(*map(commit.submit, range(4)))
    assert (written, failures) == ([0, 1, 2, 3], [])


async def test_a_race_that_is_always_lost_ends_as_an_error() -> None:
    async def write(_: Sequence[int]) -> None:
        raise database_error("40P01")

    with pytest.raises(DBAPIError):
        await GroupCommit(write).submit(1)


async def test_a_submitter_who_goes_harms_nobody() -> None:
    gate = Gate()
    commit = GroupCommit(gate.write)
    running = asyncio.create_task(commit.submit("running"))
    await gate.entered.wait()
    waiting = [asyncio.create_task(commit.submit(number)) for number in range(3)]
    await started(*waiting)
    running.cancel()
    waiting[1].cancel()
    gate.open.set()
    results = await asyncio.gather(running, *waiting, return_exceptions=True)
    assert [isinstance(each, asyncio.CancelledError) for each in results] == [True, False, True, False]
    await commit.submit("later")
    assert gate.batches[-1] == ["later"]


async def test_a_submitter_who_goes_before_a_failure_leaves_no_unheard_error() -> None:
    gate = Gate()

    async def write(items: Sequence[object]) -> None:
        await gate.write(items)
        raise ValueError("nobody hears this")

    commit = GroupCommit(write)
    task = asyncio.create_task(commit.submit("gone"))
    await gate.entered.wait()
    task.cancel()
    gate.open.set()
    await commit.close()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_close_waits_for_what_was_submitted() -> None:
    gate = Gate()
    commit = GroupCommit(gate.write, most=1)
    await commit.close()  # nothing was: it returns at once
    tasks = [asyncio.create_task(commit.submit(number)) for number in range(3)]
    await gate.entered.wait()
    closing = asyncio.create_task(commit.close())
    await started(closing)
    assert not closing.done()
    gate.open.set()
    await closing
    assert gate.batches == [[0], [1], [2]]
    await asyncio.gather(*tasks)


async def test_a_close_that_is_given_up_gives_up_what_is_being_written() -> None:
    gate = Gate()
    commit = GroupCommit(gate.write, side_by_side=2)
    tasks = []
    for number in range(2):
        tasks.append(asyncio.create_task(commit.submit(number)))
        await started(*tasks)
    closing = asyncio.create_task(commit.close())
    await started(closing)
    closing.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait([closing])
    assert closing.cancelled()
    gate.open.set()
    async with asyncio.timeout(5):
        await commit.submit("later")
    for task in tasks:
        task.cancel()


async def test_a_writer_cancelled_before_it_begins_is_followed_by_another() -> None:
    gate = Gate()
    gate.open.set()
    commit = GroupCommit(gate.write)
    first = asyncio.create_task(commit.submit("first"))
    await asyncio.sleep(0)
    for writer in asyncio.all_tasks() - {first, asyncio.current_task()}:
        if "_drain" in repr(writer):
            writer.cancel()
    await started()
    async with asyncio.timeout(5):
        await commit.submit("second")
        await first
    assert gate.batches == [["first", "second"]]


async def test_in_postgresql_the_good_are_durable_and_the_bad_is_not(database: Database) -> None:
    prefix = str(new_id())

    async def write(names: Sequence[str]) -> None:
        async with database.connection() as connection:
            for name in names:
                await connection.exec_driver_sql("INSERT INTO configuration_sets VALUES ($1, now())", (name,))

    commit = GroupCommit(write)
    names = [f"{prefix}-{number}" for number in range(9)]
    items = [*names[:5], "not\x00storable", *names[5:]]
    results = await asyncio.gather(*map(commit.submit, items), return_exceptions=True)
    assert [isinstance(result, DBAPIError) for result in results] == [item not in names for item in items]
    async with database.connection() as connection:
        query = text("SELECT name FROM configuration_sets WHERE name LIKE :names ORDER BY name")
        assert list(await connection.scalars(query, {"names": f"{prefix}%"})) == names
        await connection.execute(
            text("DELETE FROM configuration_sets WHERE name LIKE :names"), {"names": f"{prefix}%"}
        )
