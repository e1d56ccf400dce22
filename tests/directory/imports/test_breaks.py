"""An import that ends early: what landed stays, the reason is kept, sending the file again is harmless."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.core.clock import now
from app.core.db import Database
from app.directory.imports import reading
from app.directory.imports.models import Import
from tests.directory.imports.files import check_sums, post_file, read_users, send_file, to_ndjson, user
from tests.school import SchoolClient
from tests.waiting import eventually


async def _speak(app: FastAPI, school: SchoolClient, receive: Any) -> None:
    """Send a request as a server does that loses its client: no answer reaches anybody."""

    async def send(_: Any) -> None:
        pass

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/imports",
        "raw_path": b"/v1/imports",
        "query_string": b"resource=users",
        "root_path": "",
        "headers": [
            (b"authorization", f"Bearer {school.key}".encode()),
            (b"content-type", b"application/x-ndjson"),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)


async def _read_last(school: SchoolClient) -> dict[str, Any]:
    last: dict[str, Any] = (await school.read("/v1/imports"))["items"][0]
    check_sums(last)
    return last


async def test_a_client_that_leaves_keeps_what_came_whole(app: FastAPI, school: SchoolClient) -> None:
    people = [user(number) for number in range(1, 2501)]
    content = to_ndjson(*people)
    events: list[dict[str, Any]] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": content[:-20], "more_body": True},
    ]

    async def receive() -> dict[str, Any]:
        return events.pop()

    await _speak(app, school, receive)
    failed = await _read_last(school)
    assert (failed["status"], failed["created"]) == ("failed", 2499)
    assert failed["status_reason"] == "The connection ended before the body did."
    assert failed["finished_at"]
    again = await send_file(school, content)
    assert (again["created"], again["unchanged"]) == (1, 2499)


async def test_progress_shows_while_the_file_comes(app: FastAPI, school: SchoolClient) -> None:
    more: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    content = to_ndjson(*(user(number) for number in range(1, 4001 + 1)))
    more.put_nowait({"type": "http.request", "body": content, "more_body": True})
    running = asyncio.create_task(_speak(app, school, more.get))

    async def read() -> Any:
        return (await school.read("/v1/imports"))["items"]

    seen = await eventually(read, lambda items: bool(items) and 0 < items[0]["rows_read"] < 4001)
    assert (seen[0]["status"], seen[0]["finished_at"]) == ("running", None)
    more.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    await running
    done = await _read_last(school)
    assert (done["status"], done["rows_read"], done["bytes_read"]) == ("completed", 4001, len(content))


async def test_a_stopping_server_says_so(app: FastAPI, school: SchoolClient) -> None:
    waiting = asyncio.Event()
    first = {"type": "http.request", "body": to_ndjson(user(1)), "more_body": True}

    async def receive() -> dict[str, Any]:
        if waiting.is_set():
            await asyncio.Event().wait()
        waiting.set()
        return first

    running = asyncio.create_task(_speak(app, school, receive))
    await waiting.wait()
    await eventually(lambda: school.read("/v1/imports"), lambda page: bool(page["items"]))
    running.cancel()
    await asyncio.wait([running])
    failed = await _read_last(school)
    assert (failed["status"], failed["status_reason"]) == (
        "failed",
        "The server stopped; send the file again.",
    )


async def test_a_silent_client_is_given_up(
    app: FastAPI, school: SchoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.2)
    first = [{"type": "http.request", "body": to_ndjson(user(1)), "more_body": True}]

    async def receive() -> dict[str, Any]:
        if first:
            return first.pop()
        await asyncio.Event().wait()
        raise AssertionError

    await _speak(app, school, receive)
    failed = await _read_last(school)
    assert (failed["status"], failed["created"]) == ("failed", 1)
    assert failed["status_reason"].startswith("Nothing more of the file came")


async def test_what_gathers_lands_though_little_comes(
    school: SchoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BEAT", -1.0)
    done = await send_file(school, [to_ndjson(user(number)) for number in range(1, 6)])
    assert done["created"] == 5


async def test_an_import_whose_process_died_is_failed(school: SchoolClient, database: Database) -> None:
    done = await send_file(school, to_ndjson(user(1)))
    long_ago = now() - timedelta(minutes=6)
    read: dict[str, Any] = {}
    for at, status in ((now(), "running"), (long_ago, "failed")):
        async with database.system_transaction() as session:
            await session.execute(
                update(Import)
                .where(Import.school_id == school.id)
                .values(status="running", progressed_at=at, finished_at=None)
            )
        read = await school.read(f"/v1/imports/{done['id']}")
        assert read["status"] == status
    assert "Send the file again" in read["status_reason"]


async def test_a_fault_of_ours_is_no_secret(school: SchoolClient) -> None:
    async def break_off() -> AsyncIterator[bytes]:
        yield to_ndjson(user(1))
        raise RuntimeError

    answer = await school.http.post(
        "/v1/imports?resource=users",
        content=break_off(),
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 500
    failed = await _read_last(school)
    assert (failed["status"], failed["status_reason"]) == (
        "failed",
        "A fault of the product, which its log describes.",
    )


async def test_who_may_not_write_may_not_import(school: SchoolClient) -> None:
    school.http.headers["Authorization"] = "Bearer nothing"
    assert (await post_file(school, to_ndjson(user(1)))).status_code == 401
    school.http.headers["Authorization"] = f"Bearer {school.key}"
    assert await read_users(school) == {}
