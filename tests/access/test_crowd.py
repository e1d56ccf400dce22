"""Fifty schools at once, many of whose requests are cut off midway: not one row crosses."""

import asyncio
import os
import random
from contextlib import AsyncExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.pool import QueuePool
from structlog.testing import capture_logs

from app.core.db import Database
from tests.access.asking import ask
from tests.complaints import collect_complaints
from tests.school import SchoolClient, open_school

pytestmark = pytest.mark.usefixtures("unlimited")
SCHOOLS = 50
SOAK_ROUNDS = int(os.environ.get("SOAK_ROUNDS", "100"))  # the tests' own setting


@pytest.mark.parametrize("rounds", [2, pytest.param(SOAK_ROUNDS, marks=pytest.mark.soak)])
async def test_not_one_row_crosses(app: FastAPI, database: Database, rounds: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}, {rounds} rounds")  # noqa: T201
    draw = random.Random(seed)
    async with AsyncExitStack() as stack:
        stack.enter_context(capture_logs())  # to show a traceback takes longer than a round
        complaints = stack.enter_context(collect_complaints())
        schools = [
            await stack.enter_async_context(open_school(app, database, name=f"School {number}"))
            for number in range(SCHOOLS)
        ]
        for turn in range(rounds):
            work = [_act(app, school, number, turn) for number, school in enumerate(schools)]
            draw.shuffle(work)
            await _cut_some(work, draw)
        seen = [await school.read("/v1/directory/groups", limit=200) for school in schools]
    assert complaints == [], seed
    for number, page in enumerate(seen):
        names = {item["name"] for item in page["items"]}
        assert names <= {f"Of {number}"}, seed
        assert len(page["items"]) <= rounds
    assert sum(len(page["items"]) for page in seen) > SCHOOLS, seed
    pool = app.state.database.engine.pool
    assert isinstance(pool, QueuePool)
    assert pool.checkedout() == 0, seed
    async with database.connection() as connection:  # and what was cut off has left nothing behind
        role = await connection.scalar(text("SELECT current_user = session_user"))
        school = await connection.scalar(text("SELECT current_setting('app.school_id', true)"))
    assert (role, school or "") == (True, "")


async def _act(app: FastAPI, school: SchoolClient, number: int, turn: int) -> None:
    """Write something of one's own, then read everything there is: it must all be one's own."""
    credential = f"Bearer {school.key}"
    body = f'{{"items": [{{"external_id": "g{turn}", "name": "Of {number}"}}]}}'.encode()
    put = await ask(app, "PUT", "/v1/directory/groups", credential=credential, body=body)
    if put.status == 503:
        return  # a slow machine had no connection free in time, and says so
    assert put.status == 200, put
    listed = await ask(app, "GET", "/v1/directory/groups", credential=credential)
    if listed.status == 503:
        return
    names = {item["name"] for item in listed.json()["items"]}
    assert names == {f"Of {number}"}
    named = await ask(app, "GET", "/v1/school", credential=credential)
    if named.status == 503:
        return
    assert named.json()["name"] == f"School {number}"


async def _cut_some(work: list[Any], draw: random.Random) -> None:
    """Run it all at once; cancel every third somewhere on its way."""
    tasks = [asyncio.create_task(each) for each in work]
    for task in tasks[::3]:
        asyncio.get_running_loop().call_later(draw.uniform(0, 0.3), task.cancel)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    failed = [each for each in results if isinstance(each, Exception)]
    assert not failed
