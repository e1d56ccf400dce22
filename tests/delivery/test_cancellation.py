"""Cancelled at any point: no connection is lost, no transaction stays open, and the numbers stay right."""

import asyncio
import random
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.pool import QueuePool

from app.core.clock import now
from app.core.db import Database
from app.core.ids import new_id
from app.delivery import sweeps
from app.delivery.fairness import Turn
from app.delivery.guard import pause_risky
from app.delivery.reconciling import settle_unknown
from app.delivery.settling import write_settlements
from app.mail.types import OutcomeKind
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts
from tests.complaints import collect_complaints
from tests.delivery.campaigns import CONFIGURATION_SET, claim, open_campaign, run_sql
from tests.delivery.test_settling import answer
from tests.recipients.campaign import Campaign
from tests.school import MESSAGE, SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")
AT_ONCE = 4
PEOPLE = 400
Operation = Callable[[], Coroutine[Any, Any, object]]
KINDS = (OutcomeKind.SENT, OutcomeKind.FAILED, OutcomeKind.UNKNOWN, OutcomeKind.RETRY)
OPEN = """
    SELECT pid, state, query FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


@types.coroutine
def cancel_at(operation: Coroutine[Any, Any, object], point: int, *, twice: bool) -> Generator[Any, Any, int]:
    """Run the operation, and cancel its task when it waits for the `point`-th time; return how often it did.

    `twice` cancels it again the next time it waits: while it cleans up after the first.
    """
    step: Callable[[], Any] = partial(operation.send, None)
    waits = 0
    while True:
        try:
            waited_for = step()
        except StopIteration:
            return waits
        waits += 1
        task = asyncio.current_task()
        assert task is not None
        if waits == point or (twice and waits == point + 1):
            task.cancel()
        try:
            yield waited_for
        except BaseException as error:  # noqa: BLE001  # it is the operation's
            step = partial(operation.throw, error)
        else:
            step = partial(operation.send, None)


async def run(operation: Coroutine[Any, Any, object], point: int, *, twice: bool = False) -> int:
    """Run it in a task of its own, as far as it gets."""

    async def cut() -> int:
        return await cancel_at(operation, point, twice=twice)

    result = await asyncio.gather(asyncio.create_task(cut()), return_exceptions=True)
    return result[0] if isinstance(result[0], int) else 0


def list_operations(
    database: Database, app: FastAPI, http: httpx.AsyncClient, turn: Turn, chance: random.Random
) -> dict[str, Operation]:
    """Return what workers and API do, each as something to begin."""
    path = f"/v1/campaigns/{turn.campaign_id}"

    async def settle() -> None:
        claimed = await claim(database, turn)
        if claimed is not None:
            kinds = [chance.choice(KINDS) for _ in claimed.addressees]
            async with database.connection() as connection:
                await write_settlements(connection, [answer(claimed, *kinds)])

    async def record() -> None:
        async with database.connection() as connection:
            await record_facts(connection, [make_fact(), make_fact()])

    async def sweep() -> None:
        async with database.connection() as connection:
            await pause_risky(connection)
            await sweeps.expire_leases(connection)
            await settle_unknown(connection, reconcile_after=900, configuration_set=CONFIGURATION_SET)

    def make_fact() -> Fact:
        key = RecipientKey(turn.school_id, turn.campaign_id, chance.randint(1, PEOPLE))
        return Fact(key, chance.choice(list(FactKind)), now(), new_id().bytes, message_id="m")

    def ask(method: str, url: str, **more: Any) -> Operation:
        return lambda: http.request(method, url, **more)

    headers = {"Idempotency-Key": "key"}
    return {
        "claim": lambda: claim(database, turn),
        "settle": settle,
        "record": record,
        "sweep": sweep,
        "submit": lambda: app.state.recorder.submit(make_fact()),
        "read": ask("GET", path),
        "rename": ask("PATCH", path, json={"name": "News"}),
        "send": ask("POST", "/v1/messages", json=MESSAGE, headers=headers),
    }


def count_out(*databases: Database) -> list[int]:
    """Return how many connections of each are in somebody's hands."""
    pools = [each.engine.pool for each in databases]
    return [pool.checkedout() for pool in pools if isinstance(pool, QueuePool)]


@pytest.mark.parametrize("times", [300, pytest.param(3000, marks=pytest.mark.soak)])
async def test_nothing_leaks_however_often_and_wherever_it_is_cancelled(
    app: FastAPI, school: SchoolClient, database: Database, times: int
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201  # to run a failure again
    chance = random.Random(seed)
    turn = await open_campaign(database, school, PEOPLE, batch_size=1)
    operations = list_operations(database, app, school.http, turn, chance)
    waits = {name: await run(begin(), 0) for name, begin in operations.items()}
    assert all(waits.values()), waits

    async def cut_short() -> None:
        for _ in range(times // AT_ONCE):
            name = chance.choice(list(operations))
            point = chance.randint(1, waits[name])
            await run(operations[name](), point, twice=chance.random() < 0.3)

    with collect_complaints() as complaints:
        await asyncio.gather(*(cut_short() for _ in range(AT_ONCE)))
    assert complaints == []
    look: Callable[[], Awaitable[Any]] = partial(run_sql, database, OPEN)
    assert await eventually(look, lambda rows: not rows, seconds=5) == []
    await app.state.recorder.close()
    assert count_out(app.state.database, database) == [0, 0]
    await Campaign(database, turn.school_id, turn.campaign_id).check_counters()
    # Both pools have all their connections still, and they work.
    for each in (app.state.database, database):
        await asyncio.gather(*(run_sql(each, "SELECT pg_sleep(0.05)") for _ in range(5)))
