"""A campaign sent to a whole school by real processes, to the last hand-off; the school is imported first."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import httpx

from app.demo.run import open_school
from app.demo.stack import Process, Stack
from app.simulator.client import SimulatorClient
from benchmarks.advised import make_stack
from benchmarks.figure import Spent
from benchmarks.imports import make_lines
from benchmarks.processes import read_stack_cpu, share_cpu

RATE = 1_000_000.0
END_SECONDS, START_SECONDS = 900.0, 30.0
PARAGRAPH = "<p>The term begins on Monday. {{ first_name }}, bring the form, the fee and a warm coat.</p>"
HTML = (
    '<html><body><h1>Dear {{ first_name | "parent" }}</h1>'
    + PARAGRAPH * 20
    + "".join(f'<p><a href="https://school.example/page/{n}">Page {n}</a></p>' for n in range(5))
    + "</body></html>"
)
MESSAGE = {
    "message_type": "newsletter",
    "subject": 'News for {{ first_name | "you" }}',
    "html": HTML,
    "audience": {"filter": {"kind": "recent_accounts", "days": 3650}},
}


class SendingFailed(Exception):
    """A campaign did not come to its end, or not to each recipient; the message is one line."""


@dataclass(frozen=True, slots=True)
class Speed:
    """How many recipients in how many seconds."""

    recipients: int
    seconds: float

    @property
    def rate(self) -> float:
        """Recipients a second."""
        return self.recipients / self.seconds


@dataclass(frozen=True, slots=True)
class Sent:
    """A whole campaign: `speed` from its acceptance to its last hand-off, `prepared` of that the freezing."""

    speed: Speed
    prepared: float
    spent: tuple[Spent, ...]


@dataclass(frozen=True, slots=True)
class School:
    """A school on a running stack, whoever calls its API, and the simulator that takes its mail."""

    stack: Stack
    api: httpx.AsyncClient
    world: SimulatorClient

    async def import_users(self, size: int) -> None:
        """Push the school's users as a platform would; nobody has unsubscribed."""

        async def lines() -> AsyncIterator[bytes]:
            for line in make_lines("ndjson", size):
                yield line.replace('"unsubscribed"', '"unset"').encode()

        kind = {"Content-Type": "application/x-ndjson"}
        answer = await self.api.post("/v1/imports?resource=users", content=lines(), headers=kind)
        answer.raise_for_status()

    async def start_workers(self, count: int) -> list[Process]:
        """Start workers and wait until they have: that is not what is measured."""
        workers = [self.stack.start_worker() for _ in range(count)]
        for worker in workers:
            await asyncio.to_thread(_wait_until_started, worker)
        return workers

    async def send(self, recipients: int, *, workers: int) -> Sent:
        """Send to everybody and wait until all are handed off.

        Raises SendingFailed when that takes too long, or when somebody is missing or has it twice.
        """
        before = read_stack_cpu(self.stack)
        started = time.perf_counter()
        answer = await self.api.post("/v1/messages", json=MESSAGE)
        answer.raise_for_status()
        campaign, prepared = answer.json()["id"], 0.0
        while True:
            stats = (await self.api.get(f"/v1/campaigns/{campaign}")).raise_for_status().json()["stats"]
            prepared = prepared or (stats["recipients"] and time.perf_counter() - started)
            if recipients == stats["recipients"] == stats["sent"]:
                break
            if time.perf_counter() - started > END_SECONDS:
                raise SendingFailed(f"short of the end after {END_SECONDS:.0f} s: {stats}")
            await asyncio.sleep(0.1)
        seconds = time.perf_counter() - started
        totals = (await self.world.get_ledger(campaign)).totals
        if totals.accepted != recipients or totals.duplicates:
            raise SendingFailed(
                f"{totals.accepted} emails were accepted for {recipients} recipients,"
                f" {totals.duplicates} of them twice"
            )
        spent = share_cpu(before, read_stack_cpu(self.stack), recipients, worker=workers)
        return Sent(Speed(recipients, seconds), prepared, spent)


@contextmanager
def open_stack() -> Iterator[Stack]:
    """Start everything but the workers; PostgreSQL keeps what it says it keeps."""
    with make_stack(simulator_rate=RATE) as stack:
        yield stack


@asynccontextmanager
async def found_school(stack: Stack) -> AsyncIterator[School]:
    """Create a school, and let the simulator take as much as comes and answer nothing back."""
    headers = {"Authorization": f"Bearer {await open_school(stack)}"}
    async with (
        SimulatorClient(stack.simulator_url) as world,
        httpx.AsyncClient(base_url=stack.api_url, headers=headers, timeout=600, trust_env=False) as api,
    ):
        await world.change_settings(
            sending={"max_send_rate": RATE, "max_24_hour_send": -1, "checked": 0.02},
            behaviour={"enabled": False},
        )
        yield School(stack, api, world)


def _wait_until_started(worker: Process) -> None:
    deadline = time.monotonic() + START_SECONDS
    while b"worker started" not in worker.log.read_bytes():
        if time.monotonic() > deadline or worker.popen.poll() is not None:
            raise SendingFailed("A worker did not start.")
        time.sleep(0.05)
