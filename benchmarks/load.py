"""A load generator as a process of its own: raw HTTP requests over kept connections, and how long each took.

`python -m benchmarks.load FILE --port 8000 [--connections 256] [--rate 1000]` prints one line of JSON.
"""

import argparse
import asyncio
import json
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import uvloop

from benchmarks.progress import say

_LENGTH = struct.Struct(">I")


class WrongAnswers(Exception):
    """Some requests were answered otherwise than they should be; the message is one line."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a run: requests a second, milliseconds at the median and the 99th percentile, statuses.

    `cpu` is the seconds of processor time that sending them took.
    """

    rate: float
    p50: float
    p99: float
    statuses: dict[str, int]
    cpu: float

    def show(self, name: str, *, status: str) -> None:
        """Print the figures of a run.

        Raises WrongAnswers unless every answer had this status.
        """
        if set(self.statuses) != {status}:
            raise WrongAnswers(f"{name}: answered {self.statuses}, not {status} alone")
        say(f"{name:<15} {self.rate:10,.0f}/s   p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms")


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """Write complete HTTP/1.1 requests to a file, each after its length."""
    with path.open("wb") as file:
        for request in requests:
            file.write(_LENGTH.pack(len(request)) + request)


def run_load(path: Path, *, port: int, connections: int = 256, rate: float = 0) -> Result:
    """Send the file's requests from another process, as fast as they are answered or at a rate a second."""
    command = [sys.executable, "-m", "benchmarks.load", str(path), "--port", str(port)]
    command += ["--connections", str(connections), "--rate", str(rate)]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)  # our own
    return Result(**json.loads(answer.stdout))


def _read_requests(path: Path) -> Iterator[bytes]:
    body, place = path.read_bytes(), 0
    while place < len(body):
        (length,) = _LENGTH.unpack_from(body, place)
        place += _LENGTH.size
        yield body[place : place + length]
        place += length


async def _send(requests: Sequence[bytes], *, port: int, connections: int, rate: float) -> Result:
    waiting = iter(enumerate(requests))
    taken: list[float] = []
    statuses: Counter[str] = Counter()
    started, cpu = time.perf_counter(), time.process_time()

    async def use_connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number, request in waiting:
            due = started + number / rate if rate else time.perf_counter()
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            statuses[head[9:12].decode()] += 1
            if length := _find_length(head):
                await reader.readexactly(length)
            taken.append((time.perf_counter() - due) * 1000)
        writer.close()

    await asyncio.gather(*(use_connection() for _ in range(connections)))
    seconds = time.perf_counter() - started
    taken.sort()
    p50, p99 = (round(taken[int(len(taken) * share)], 2) for share in (0.5, 0.99))
    return Result(round(len(requests) / seconds, 1), p50, p99, dict(statuses), time.process_time() - cpu)


def _find_length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def main() -> None:
    """Send, and print the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--rate", type=float, default=0)
    given = parser.parse_args()
    requests = list(_read_requests(given.file))
    sending = _send(requests, port=given.port, connections=given.connections, rate=given.rate)
    result = uvloop.run(sending)
    print(json.dumps({name: getattr(result, name) for name in Result.__slots__}))


if __name__ == "__main__":
    main()
