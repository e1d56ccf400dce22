"""Recipients handed off to SES a second, end to end, against bare loops that only call SES.

python -m benchmarks.delivery --recipients 200000 --workers 1

Everything runs as real processes: PostgreSQL (durable), Redis, the API, workers, and the SES simulator, which
takes most requests at their word, or it would be what is measured. It counts each recipient.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import aioboto3
import httpx
from aiobotocore.config import AioConfig

from app.demo.run import open_school
from app.demo.stack import CONFIGURATION_SET, Process, Stack
from app.simulator.client import SimulatorClient
from benchmarks.imports import make_lines
from benchmarks.processes import read_cpu, read_memory

GOAL, RATIO_BULK, RATIO_SINGLE = 10_000, 0.5, 5.0
IN_FLIGHT = 16
LARGEST_CALL = 50
RATE = 1_000_000.0
END_SECONDS = 900.0
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
# As long as the product's own: what is signed for each recipient.
_TOKEN = "t" * 86
Client = Any


@dataclass(frozen=True, slots=True)
class Speed:
    """How many recipients in how many seconds."""

    recipients: int
    seconds: float

    @property
    def rate(self) -> float:
        """Recipients a second."""
        return self.recipients / self.seconds


async def call_bulk(client: Client, first: int) -> None:
    """Send to fifty as the SDK's own documentation does."""
    await client.send_bulk_email(
        FromEmailAddress="School <news@school.example>",
        ConfigurationSetName=CONFIGURATION_SET,
        DefaultContent={
            "Template": {
                "TemplateContent": {"Subject": "News for {{first_name}}", "Html": HTML, "Text": "News"},
                "TemplateData": "{}",
            }
        },
        BulkEmailEntries=[
            {
                "Destination": {"ToAddresses": [f"bulk{number}@mail.example"]},
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {
                        "ReplacementTemplateData": f'{{"first_name":"First","o":"{_TOKEN}","c":"{_TOKEN}"}}'
                    }
                },
                "ReplacementHeaders": [
                    {"Name": "List-Unsubscribe", "Value": f"<https://school.example/u/{_TOKEN}>"},
                    {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                ],
                "ReplacementTags": [
                    {"Name": "campaign_id", "Value": "bulk"},
                    {"Name": "recipient_id", "Value": str(number)},
                ],
            }
            for number in range(first, first + LARGEST_CALL)
        ],
    )


async def call_single(client: Client, first: int) -> None:
    """Send to one."""
    await client.send_email(
        FromEmailAddress="School <news@school.example>",
        ConfigurationSetName=CONFIGURATION_SET,
        Destination={"ToAddresses": [f"single{first}@mail.example"]},
        Content={
            "Simple": {
                "Subject": {"Data": "News for First"},
                "Body": {"Html": {"Data": HTML}, "Text": {"Data": "News"}},
                "Headers": [{"Name": "List-Unsubscribe", "Value": f"<https://school.example/u/{_TOKEN}>"}],
            }
        },
        EmailTags=[
            {"Name": "campaign_id", "Value": "single"},
            {"Name": "recipient_id", "Value": str(first)},
        ],
    )


async def loop_calls(
    stack: Stack, call: Callable[[Client, int], Awaitable[None]], recipients: int, step: int
) -> Speed:
    """Call until all recipients are handed off, so many calls in flight, with nothing written anywhere."""
    firsts = iter(range(0, recipients, step))
    config = AioConfig(max_pool_connections=IN_FLIGHT, retries={"total_max_attempts": 1})
    environment = stack.environment
    async with AsyncExitStack() as resources:
        client = await resources.enter_async_context(
            aioboto3.Session().client(
                "sesv2",
                config=config,
                region_name=environment["AWS_REGION"],
                endpoint_url=stack.simulator_url,
                aws_access_key_id="simulator",
                aws_secret_access_key="simulator",  # noqa: S106  # nobody's
            )
        )

        async def work() -> None:
            for first in firsts:
                await call(client, first)

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        return Speed(recipients, time.perf_counter() - started)


@dataclass(frozen=True, slots=True)
class Sent:
    """A whole campaign: `speed` from its acceptance to its last hand-off, `prepared` of that the freezing."""

    speed: Speed
    prepared: float
    duplicates: int
    memory: str
    cpu: dict[str, float]


async def send_campaign(
    stack: Stack, world: SimulatorClient, api: httpx.AsyncClient, recipients: int, workers: list[Process]
) -> Sent:
    """Send to everybody and wait until all are handed off; nobody may be missing, nobody twice."""
    cpu = _read_cpu(stack)
    started = time.perf_counter()
    answer = await api.post("/v1/messages", json=MESSAGE)
    answer.raise_for_status()
    campaign, prepared = answer.json()["id"], 0.0
    while True:
        stats = (await api.get(f"/v1/campaigns/{campaign}")).json()["stats"]
        prepared = prepared or (stats["recipients"] and time.perf_counter() - started)
        if recipients == stats["recipients"] == stats["sent"]:
            break
        if time.perf_counter() - started > END_SECONDS:
            raise SystemExit(f"short of the end after {END_SECONDS:.0f} s: {stats}")
        await asyncio.sleep(0.1)
    seconds = time.perf_counter() - started
    totals = (await world.get_ledger(campaign)).totals
    if totals.accepted != recipients:
        raise SystemExit(f"{totals.accepted} emails were accepted for {recipients} recipients")
    memory = ", ".join(read_memory(worker.popen.pid) for worker in workers)
    spent = {name: seconds - cpu[name] for name, seconds in _read_cpu(stack).items()}
    return Sent(Speed(recipients, seconds), prepared, totals.duplicates, memory, spent)


def _wait_until_started(worker: Process) -> None:
    while b"worker started" not in worker.log.read_bytes():
        time.sleep(0.05)


def _read_cpu(stack: Stack) -> dict[str, float]:
    """Return the processor seconds of each kind of process."""
    spent = {"postgresql": read_cpu(stack.services.postgres.pid), "redis": read_cpu(stack.services.redis.pid)}
    for process in stack.processes:
        spent[process.name] = spent.get(process.name, 0.0) + read_cpu(process.popen.pid)
    return spent


async def import_users(api: httpx.AsyncClient, size: int) -> None:
    """Push the school's users as a platform would; nobody has unsubscribed."""

    async def lines() -> Any:
        for line in make_lines("ndjson", size):
            yield line.replace('"unsubscribed"', '"unset"').encode()

    kind = {"Content-Type": "application/x-ndjson"}
    (await api.post("/v1/imports?resource=users", content=lines(), headers=kind)).raise_for_status()


async def measure(stack: Stack, recipients: int, workers: int, *, baselines: bool) -> bool:
    """Print every figure; tell whether the goals were reached."""
    async with AsyncExitStack() as resources:
        world = await resources.enter_async_context(SimulatorClient(stack.simulator_url))
        await world.change_settings(
            sending={"max_send_rate": RATE, "max_24_hour_send": -1, "checked": 0.02},
            behaviour={"enabled": False},
        )
        headers = {"Authorization": f"Bearer {await open_school(stack)}"}
        api = await resources.enter_async_context(
            httpx.AsyncClient(base_url=stack.api_url, headers=headers, timeout=600, trust_env=False)
        )
        await import_users(api, recipients)
        bulk = single = None
        if baselines:
            bulk = await loop_calls(stack, call_bulk, recipients, LARGEST_CALL)
            print(f"bare SendBulkEmail loop        {bulk.rate:>10,.0f} recipients/s", flush=True)
            single = await loop_calls(stack, call_single, max(1000, recipients // 20), 1)
            print(f"bare SendEmail loop            {single.rate:>10,.0f} recipients/s", flush=True)
        started = [stack.start_worker() for _ in range(workers)]
        for worker in started:  # starting them is not what is measured
            await asyncio.to_thread(_wait_until_started, worker)
        sent = await send_campaign(stack, world, api, recipients, started)
    speed = sent.speed
    print(
        f"campaign, {workers} worker(s)          {speed.rate:>10,.0f} recipients/s   ({recipients} in"
        f" {speed.seconds:.1f} s, {sent.prepared:.1f} s of it freezing; {sent.duplicates} twice, 0 lost)"
    )
    each = (f"{name} {seconds / recipients * 1e6:.0f}" for name, seconds in sorted(sent.cpu.items()))
    print(f"processor time, µs a recipient {', '.join(each)}")
    print(f"memory of the worker           {sent.memory}")
    reached = speed.rate >= GOAL
    if bulk and single:
        print(f"ratio to SendBulkEmail         {speed.rate / bulk.rate:>10.2f}   goal: {RATIO_BULK}")
        print(f"ratio to SendEmail             {speed.rate / single.rate:>10.2f}   goal: {RATIO_SINGLE}")
        reached &= speed.rate >= RATIO_BULK * bulk.rate and speed.rate >= RATIO_SINGLE * single.rate
    print(f"goal: {GOAL:,} recipients/s: {'reached' if reached else 'short'}")
    return reached


@contextmanager
def open_stack(*, durable: bool) -> Iterator[Stack]:
    """Start everything but the workers."""
    with Stack(durable=durable, workers=0, simulator_rate=RATE) as stack:
        yield stack


def main() -> int:
    """Measure; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=20_000, help="200,000 is what the goal is for")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--no-baselines", action="store_true", help="only the campaign")
    given = parser.parse_args()
    with open_stack(durable=True) as stack:
        reached = asyncio.run(
            measure(stack, given.recipients, given.workers, baselines=not given.no_baselines)
        )
    return 0 if reached else 1


if __name__ == "__main__":
    sys.exit(main())
