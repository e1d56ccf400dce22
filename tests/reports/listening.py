"""A client of the live reports: it reads server-sent events off the wire as a browser does."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from tests.school import SchoolClient

SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Event:
    """One event; a comment is an event without a name."""

    name: str | None
    data: Any = None
    comment: str = ""


class Stream:
    """An open stream: the answer's head, and its events as they come."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.retry: int | None = None
        self.last_id: str | None = None
        self._lines = answer.aiter_lines()

    async def next(self, *, seconds: float = SECONDS) -> Event | None:
        """Return the next event or comment; None at the end of the stream."""
        async with asyncio.timeout(seconds):
            while (block := await self._read_block()) is not None:
                if (event := self._read_event(block)) is not None:
                    return event
        return None

    async def until(self, **expected: Any) -> dict[str, Any]:
        """Read events until one whose campaign or stats have these values."""
        while (event := await self.next()) is not None:
            if event.name == "stats":
                known = event.data | event.data["stats"]
                if all(known[name] == value for name, value in expected.items()):
                    return dict(event.data)
        raise AssertionError("the stream has ended")

    async def is_silent(self, *, seconds: float) -> bool:
        """Tell whether nothing comes for so long; the stream cannot be read after that."""
        try:
            await self.next(seconds=seconds)
        except TimeoutError:
            return True
        return False

    async def _read_block(self) -> list[str] | None:
        block: list[str] = []
        async for line in self._lines:
            if line:
                block.append(line)
            elif block:
                return block
        return None

    def _read_event(self, block: list[str]) -> Event | None:
        fields = dict(line.split(": ", 1) for line in block)
        self.retry = int(fields["retry"]) if "retry" in fields else self.retry
        self.last_id = fields.get("id", self.last_id)
        if "" in fields:
            return Event(None, comment=fields[""])
        return Event(fields["event"], json.loads(fields["data"])) if "event" in fields else None


@asynccontextmanager
async def serve(app: FastAPI) -> AsyncIterator[str]:
    """Serve an app that has started on a free port, in this loop; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=5
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def listen(
    url: str, school: SchoolClient, path: str, *, last_id: str | None = None
) -> AsyncIterator[Stream]:
    """Open a stream with the school's key."""
    headers = {"Authorization": f"Bearer {school.key}"} | ({"Last-Event-ID": last_id} if last_id else {})
    async with (
        httpx.AsyncClient(base_url=url, headers=headers, timeout=SECONDS, trust_env=False) as http,
        http.stream("GET", path) as answer,
    ):
        yield Stream(answer)
