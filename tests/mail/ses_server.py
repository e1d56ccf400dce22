"""A server that answers SES requests as told: well, badly, late, or not at all."""

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Behaviour(Enum):
    ANSWER = auto()
    HANG = auto()
    RESET = auto()
    CLOSE = auto()
    CUT_ANSWER = auto()
    TRICKLE = auto()


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    behaviour: Behaviour = Behaviour.ANSWER


@dataclass(frozen=True, slots=True)
class Received:
    path: str
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded


def answer_json(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


def answer_error(code: str, message: str = "", status: int = 400) -> Answer:
    body = json.dumps({"message": message}).encode()
    return Answer(status, body, {"Content-Type": "application/json", "x-amzn-ErrorType": code})


class SesServer:
    """Serves `answer` to every request, and keeps what it received."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.received: list[Received] = []
        self.connections = 0
        self.got_request = asyncio.Event()
        self.url = ""
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._respond(reader, writer):
                pass
        writer.close()
        self._tasks.discard(task)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _respond(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.received.append(Received(head[0].split(" ")[1], headers, body))
        self.got_request.set()
        return await self._act(self.answer, writer)

    async def _act(self, answer: Answer, writer: asyncio.StreamWriter) -> bool:
        match answer.behaviour:
            case Behaviour.HANG:
                await asyncio.Event().wait()
            case Behaviour.RESET:
                reset = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
            case Behaviour.CUT_ANSWER:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
            case Behaviour.TRICKLE:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while True:
                    writer.write(b" ")
                    await writer.drain()
                    await asyncio.sleep(0.02)
            case Behaviour.ANSWER:
                writer.write(_encode(answer))
                await writer.drain()
                return True
        return False


def _encode(answer: Answer) -> bytes:
    headers = {"Content-Length": str(len(answer.body)), **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {answer.status} Status\r\n{lines}\r\n".encode() + answer.body


@asynccontextmanager
async def run_ses_server() -> AsyncIterator[SesServer]:
    ses = SesServer()
    server = await asyncio.start_server(ses.serve, "127.0.0.1", 0)
    ses.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield ses
    finally:
        server.close()
        await ses.stop()
        await server.wait_closed()
