"""A process that is told to leave does so at once, though people listen."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI

from app.core.db import Database
from app.reports.live.leaving import on_leaving
from tests.campaigns.prepared import send_prepared
from tests.reports.listening import listen
from tests.school import open_school
from tests.waiting import eventually


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """Signals to leave that came back to whoever handled them before the server did."""
    came: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: came.append(number))
    yield came
    signal.signal(signal.SIGTERM, before)


async def test_streams_end_at_once_when_the_process_is_told_to_leave(
    built_app: FastAPI, database: Database, signals: list[int]
) -> None:
    server = uvicorn.Server(uvicorn.Config(built_app, lifespan="on", log_config=None, access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve([listener]))
        await eventually(lambda: asyncio.sleep(0, server.started), bool)
        async with open_school(built_app, database) as school:
            await school.push_users(1)
            campaign = await send_prepared(school, database)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with listen(url, school, f"/v1/campaigns/{campaign}/live") as stream:
                await stream.until(recipients=1)
                os.kill(os.getpid(), signal.SIGTERM)
                assert await stream.next(seconds=2) is None
        async with asyncio.timeout(5):  # there is no limit to how long this server waits for connections
            await serving
    assert signals == [signal.SIGTERM]


async def test_a_signal_nobody_handles_is_left_alone(signals: list[int]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with on_leaving(signals.clear):
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


async def test_a_server_in_a_thread_hears_no_signals() -> None:
    def enter() -> None:
        with on_leaving(lambda: None):
            pass

    before = signal.getsignal(signal.SIGINT)
    await asyncio.to_thread(enter)
    assert signal.getsignal(signal.SIGINT) is before
