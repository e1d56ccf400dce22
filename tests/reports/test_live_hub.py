"""One look serves all who listen; nobody is told more than they can take."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import event
from structlog.testing import capture_logs

from app.core.clock import now
from app.core.db import Database
from app.core.errors import Unavailable
from app.recipients.facts import FactKind
from app.reports.live import hub as hub_module
from app.reports.live.events import make_event
from app.reports.live.hub import Hub
from app.reports.live.listener import PACE_SECONDS, Listener
from app.schools.access import Caller
from app.schools.keys import parse_key
from tests.campaigns.prepared import record, send_prepared
from tests.school import SchoolClient

CROWD = 1000


def make_caller(school: SchoolClient) -> Caller:
    parts = parse_key(school.key)
    assert parts is not None
    return Caller(school.id, parts.key_id, "Tests", frozenset())


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Collect the statements that go to the database."""
    seen: list[str] = []

    def see(*arguments: Any) -> None:
        if "api_keys" not in arguments[2]:  # credentials are looked at by the clock
            seen.append(arguments[2])

    event.listen(database.engine.sync_engine, "before_cursor_execute", see)
    yield seen
    event.remove(database.engine.sync_engine, "before_cursor_execute", see)


async def hear(listener: Listener, words: bytes) -> None:
    """Listen until something told holds these words."""
    async for part in listener.listen():
        if words in part:
            return
    raise AssertionError("the stream has ended")


@pytest.mark.parametrize("is_list", [False, True])
async def test_a_thousand_cost_what_one_does(
    app: FastAPI, school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch, *, is_list: bool
) -> None:
    await school.push_users(2)
    campaign = await send_prepared(school, database)
    hub: Hub = app.state.live
    caller = make_caller(school)
    crowd = [Listener(caller, None if is_list else campaign) for _ in range(CROWD)]
    with ExitStack() as listening:
        for each in crowd:
            listening.enter_context(hub.listening(each))
        await asyncio.gather(*(hear(each, b'"delivered":0') for each in crowd))
        loop = asyncio.get_running_loop()
        with statements(app.state.database) as seen:
            started = loop.time()
            await record(database, school, campaign, 1, FactKind.DELIVERED)
            await asyncio.gather(*(hear(each, b'"delivered":1') for each in crowd))
            looks = (loop.time() - started) / hub_module.LOOK_SECONDS + 1
            # A look at a campaign is one statement; at a list one, and two more for what changed.
            assert 1 <= len(seen) <= looks + (2 if is_list else 0)


async def test_a_person_listens_until_their_token_expires(
    app: FastAPI, school: SchoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "CREDENTIAL_SECONDS", 0)
    hub: Hub = app.state.live
    soon, later = (
        Listener(Caller(school.id, None, "Ana", frozenset(), "7", now() + timedelta(seconds=lasts)), None)
        for lasts in (0.1, 600)
    )
    with hub.listening(later), hub.listening(soon):
        async with asyncio.timeout(5):
            parts = [part async for part in soon.listen()]
        assert parts[-1] == b": the credential is no longer valid\n\n"
        await school.push_users(1)
        await school.send(name="Later")
        async with asyncio.timeout(5):
            await hear(later, b'"Later"')


async def test_only_so_many_of_a_school_listen(
    app: FastAPI, school: SchoolClient, other_school: SchoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "MOST_OF_A_SCHOOL", 1)
    hub: Hub = app.state.live
    with hub.listening(Listener(make_caller(school), uuid4())):
        with pytest.raises(Unavailable) as refused:
            hub.check_room(school.id)
        assert refused.value.headers == {"Retry-After": "60"}
        hub.check_room(other_school.id)
    hub.check_room(school.id)


async def test_the_slow_get_the_newest_and_no_more_than_four_a_second(school: SchoolClient) -> None:
    campaigns: list[UUID | None] = [uuid4(), uuid4()]
    listener = Listener(make_caller(school), None)
    listening = listener.listen()
    assert await anext(listening) == b"retry: 2000\n\n"
    for number in range(1000):
        listener.offer({campaigns[number % 2]: make_event(str(number))}, str(number))
    assert await anext(listening) == (b"event: stats\ndata: 998\n\nevent: stats\ndata: 999\nid: 999\n\n")
    started = asyncio.get_running_loop().time()
    for number in (1000, 1001):
        listener.offer({campaigns[0]: make_event(str(number))}, str(number))
    assert await anext(listening) == b"event: stats\ndata: 1001\nid: 1001\n\n"
    assert asyncio.get_running_loop().time() - started >= PACE_SECONDS * 0.9
    listener.end()
    assert [part async for part in listening] == []


async def test_all_streams_end_when_the_process_leaves(app: FastAPI, school: SchoolClient) -> None:
    hub: Hub = app.state.live
    before, after = Listener(make_caller(school), uuid4()), Listener(make_caller(school), uuid4())
    with hub.listening(before):
        hub.close()
        with hub.listening(after):
            for listener in (before, after):
                async with asyncio.timeout(2):
                    assert [part async for part in listener.listen()] == [b"retry: 2000\n\n"]


async def test_a_fault_ends_the_streams_and_the_next_listener_begins_again(
    app: FastAPI, school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    hub: Hub = app.state.live
    with (
        capture_logs() as logged,  # a traceback takes a second to be shown
        monkeypatch.context() as broken,
        hub.listening(listener := Listener(make_caller(school), campaign)),
    ):
        broken.setattr("app.reports.live.reading._ROWS", "SELECT 1 / 0, $1::uuid[], $2::uuid[]")
        async with asyncio.timeout(5):
            assert [part async for part in listener.listen()] == [b"retry: 2000\n\n"]
    assert [line["event"] for line in logged] == ["live reports cannot be looked at"]
    with hub.listening(listener := Listener(make_caller(school), campaign)):
        async with asyncio.timeout(5):
            await hear(listener, b'"recipients":1')
