"""One request of an ASGI application, read no further than an endless answer's first event."""

import asyncio
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI
from starlette.types import Message

PATIENCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return orjson.loads(self.body)


async def ask(
    app: FastAPI,
    method: str,
    path: str,
    *,
    query: str = "",
    credential: str | None = None,
    body: bytes = b"",
    media_type: str = "application/json",
    client: str = "127.0.0.1",
) -> Answer:
    """Ask for a path with the `Authorization` header given; leave once a stream of events has begun."""
    headers = [(b"host", b"campaigns.test")]
    if body:
        headers += [(b"content-type", media_type.encode()), (b"content-length", str(len(body)).encode())]
    if credential is not None:
        headers.append((b"authorization", credential.encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": headers,
        "client": (client, 1234),
        "server": ("campaigns.test", 80),
    }
    sent: list[Message] = []
    left = asyncio.Event()
    unread = [body]

    async def receive() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        is_event = (b"content-type", b"text/event-stream") in [
            (name, value.split(b";")[0]) for name, value in sent[0]["headers"]
        ]
        if is_event and message.get("body"):
            left.set()

    async with asyncio.timeout(PATIENCE_SECONDS):
        await app(scope, receive, send)
    return Answer(
        status=sent[0]["status"],
        headers={name.decode(): value.decode() for name, value in sent[0]["headers"]},
        body=b"".join(message.get("body", b"") for message in sent[1:]),
    )
