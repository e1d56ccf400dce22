"""The long runs: `make soak`, `make soak ARGS="-k kills"`. Each prints its seed and what it did."""

import asyncio
import os
import random
import secrets
import signal
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final, get_args
from uuid import UUID

import asyncpg
import httpx
import pytest

from app.core.redis import connect_redis
from app.demo.stack import Process, Stack
from app.simulator.client import SimulatorClient
from app.simulator.faults import EntryStatus, FaultKind, FaultRule
from tests.faults.checker import find_violations
from tests.faults.conftest import RECONCILE_AFTER_SECONDS
from tests.faults.doomed import POINTS
from tests.faults.history import History, plain_url, read_history, record_history
from tests.flow.deployment import NOBODY_ACTS, Deployment, check_sums, run_blocking, subscribe
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = [pytest.mark.soak, pytest.mark.timeout(3600)]
RECIPIENTS = int(os.environ.get("SOAK_RECIPIENTS", "100000"))  # the tests' own setting
KILLS = int(os.environ.get("SOAK_KILLS", "100"))
REDIS_AWAY_SECONDS = 60
RESUMES_WITHIN_SECONDS = 60
END_SECONDS = 1800.0


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A deployment of its own, its workers started by the test."""
    settings = {
        "CAMPAIGNS_LEASE_SECONDS": "5",
        "CAMPAIGNS_RECONCILE_AFTER_SECONDS": str(RECONCILE_AFTER_SECONDS),
    }
    with Stack(durable=False, workers=0, simulator_rate=1000.0, settings=settings) as stack:
        asyncio.run(record_history(stack.services.database_url))
        yield stack


@pytest.fixture
def chance() -> random.Random:
    """The run's chance; the seed is printed."""
    seed = int(os.environ.get("SOAK_SEED", secrets.randbits(32)))
    print(f"seed {seed}")  # noqa: T201
    return random.Random(seed)


async def prepare(deployment: Deployment, school: SchoolClient, recipients: int = RECIPIENTS) -> str:
    """Send to so many; return the campaign's id."""
    await deployment.world.change_settings(behaviour=NOBODY_ACTS | {"latency_seconds": 0.1})
    await school.push_users(recipients, marketing="subscribed")
    return str((await school.send())["id"])


async def read_end(deployment: Deployment, campaign_id: str) -> tuple[History, dict[int, int]]:
    """Return the campaign's history, and how often SES took mail for each recipient."""
    ledger = await deployment.world.get_ledger(campaign_id, recipients=RECIPIENTS + 1)
    history = await read_history(deployment.stack.services.database_url, UUID(campaign_id))
    return history, {int(each.recipient_id): each.accepted for each in ledger.recipients}


async def let_quota_free(stack: Stack) -> None:
    """Let the 24 hours that a used-up quota is waited for be over."""
    redis = connect_redis(stack.services.redis_url)
    await redis.delete("campaigns:pace:held")
    await redis.aclose()
    connection = await asyncpg.connect(plain_url(stack.services.database_url))
    await connection.execute(
        "UPDATE batches SET not_before = now() WHERE state = 'due' AND not_before > now()"
    )
    await connection.close()


async def is_sent(school: SchoolClient, campaign_id: str) -> bool:
    """Tell whether the campaign is over; False while nobody can say."""
    try:
        status = (await school.read(f"/v1/campaigns/{campaign_id}"))["status"]
    except (httpx.TransportError, AssertionError):
        return False
    return bool(status == "sent")


async def kill_workers(stack: Stack, chance: random.Random, over: "asyncio.Event") -> Counter[str]:
    """Kill one worker after another, at a named point or anywhere, until the kills are done or it is over."""
    done: Counter[str] = Counter()
    ways = [*POINTS, "anywhere", "anywhere"]
    while done.total() < KILLS and not over.is_set():
        way = ways[done.total() % len(ways)]
        worker = await _start(stack, way, nth=chance.randint(1, 20))
        if way == "anywhere":
            await asyncio.sleep(1.0 + chance.random() * 1.5)
        else:
            await asyncio.wait({asyncio.create_task(asyncio.to_thread(worker.popen.wait))}, timeout=60)
        await run_blocking(worker.stop, signal.SIGKILL)
        done[way] += 1
    return done


async def _start(stack: Stack, way: str, *, nth: int) -> Process:
    if way == "anywhere":
        return await asyncio.to_thread(stack.start_worker)
    return await asyncio.to_thread(
        stack.start_worker, module="tests.faults.doomed", arguments=(way, str(nth))
    )


@pytest.mark.parametrize("events", [True, False], ids=["events", "silence"])
async def test_kills(stack: Stack, chance: random.Random, events: bool) -> None:
    if events:
        await run_blocking(subscribe, stack)
    async with SimulatorClient(stack.simulator_url) as world:
        deployment = Deployment(stack, world)
        async with deployment.school() as school:
            campaign_id = await prepare(deployment, school)
            kills = await kill_workers(stack, chance, asyncio.Event())
            taken = (await world.get_ledger(campaign_id)).totals.accepted
            print(f"{kills.total()} kills {dict(kills)}, {taken} of {RECIPIENTS} taken by then")  # noqa: T201
            assert kills.total() >= KILLS
            assert taken < RECIPIENTS, "the kills must fall in the middle of the campaign"
            for _ in range(2):
                await run_blocking(stack.start_worker)
            await eventually(lambda: is_sent(school, campaign_id), bool, seconds=END_SECONDS)
            assert (await world.settle(END_SECONDS)).settled
            history, acceptances = await read_end(deployment, campaign_id)
            ends = Counter(history.statuses.values())
            print(f"{len(acceptances)} mailed, ends {dict(ends)}")  # noqa: T201
            assert find_violations(history, acceptances, settled=events) == []
            check_sums((await school.read(f"/v1/campaigns/{campaign_id}"))["stats"])
            if events:
                assert len(acceptances) == RECIPIENTS
                assert ends["unknown"] == 0


async def test_services_lost(stack: Stack, chance: random.Random) -> None:
    """Redis flushed, Redis gone for a minute, PostgreSQL restarted at once: sending resumes by itself."""
    await run_blocking(subscribe, stack)
    for _ in range(2):
        await run_blocking(stack.start_worker)
    async with SimulatorClient(stack.simulator_url) as world:
        deployment = Deployment(stack, world)
        async with deployment.school() as school:
            campaign_id = await prepare(deployment, school)

            async def count() -> int:
                return (await world.get_ledger(campaign_id)).totals.accepted

            async def await_more() -> float:
                start, seen = time.monotonic(), await count()
                await eventually(count, lambda now: now >= seen + 200, seconds=RESUMES_WITHIN_SECONDS)
                return time.monotonic() - start

            await eventually(count, lambda now: now > 500, seconds=60)
            redis = stack.services.redis
            for disturb in ("flush", "restart postgres", "flush", "redis away", "restart postgres"):
                await asyncio.sleep(chance.random() * 2)
                if disturb == "flush":
                    await run_blocking(redis.kill)
                    await run_blocking(redis.start)
                elif disturb == "redis away":
                    await run_blocking(redis.kill)
                    await asyncio.sleep(REDIS_AWAY_SECONDS)
                    await run_blocking(redis.start)
                else:
                    await run_blocking(stack.services.postgres.restart)
                print(f"{disturb}: went on after {await await_more():.1f} s")  # noqa: T201
            assert await count() < RECIPIENTS
            await eventually(lambda: is_sent(school, campaign_id), bool, seconds=END_SECONDS)
            assert (await world.settle(END_SECONDS)).settled
            history, acceptances = await read_end(deployment, campaign_id)
            assert find_violations(history, acceptances) == []
            assert len(acceptances) == RECIPIENTS


def make_entry_faults(seed: int) -> Iterator[FaultRule]:
    """Let 3 % of the entries end in one of the statuses that an entry can have, all as often."""
    statuses: tuple[EntryStatus, ...] = get_args(EntryStatus)
    share = 0.03 / len(statuses)
    for place, status in enumerate(statuses):
        yield FaultRule(
            FaultKind.ENTRY_STATUS, match="SendBulkEmail", share=share, status=status, seed=seed + place
        )


async def test_fault_mix(stack: Stack, chance: random.Random) -> None:
    """20 % 429, 5 % 500, 2 % time-out after acceptance, 2 % reset, 3 % entries of every status."""
    await run_blocking(subscribe, stack)
    await run_blocking(stack.start_worker)
    async with SimulatorClient(stack.simulator_url) as world:
        deployment = Deployment(stack, world)
        async with deployment.school() as school:
            seed = chance.randint(1, 1_000_000)
            bulk: Final = "SendBulkEmail"
            await world.add_faults(
                FaultRule(FaultKind.THROTTLE_429, match=bulk, share=0.2, seed=seed),
                FaultRule(FaultKind.ERROR_500, match=bulk, share=0.05, seed=seed + 1),
                FaultRule(FaultKind.TIMEOUT_AFTER_ACCEPTANCE, match=bulk, share=0.02, seed=seed + 2),
                FaultRule(FaultKind.RESET_BEFORE, match=bulk, share=0.02, seed=seed + 3),
                *make_entry_faults(seed + 4),
            )
            # Nearly every call pauses the campaign, so fewer recipients take as long.
            campaign_id = await prepare(deployment, school, RECIPIENTS // 10)
            pauses: Counter[str] = Counter()

            async def go_on() -> bool:
                """Do what a person would: resume what the account has paused, and wait for its day to end."""
                await let_quota_free(stack)
                campaign = await school.read(f"/v1/campaigns/{campaign_id}")
                if campaign["status"] == "paused":
                    pauses[campaign["status_reason"][:60]] += 1
                    await school.http.post(f"/v1/campaigns/{campaign_id}/resume")
                return bool(campaign["status"] == "sent")

            await eventually(go_on, bool, seconds=END_SECONDS)
            assert (await world.settle(END_SECONDS)).settled
            history, acceptances = await read_end(deployment, campaign_id)
            ends = Counter(history.statuses.values())
            print(f"pauses {dict(pauses)}, ends {dict(ends)}")  # noqa: T201
            assert find_violations(history, acceptances) == []
            rows = await deployment.read_rows(school, f"/v1/campaigns/{campaign_id}/recipients")
            failed = [each for each in rows if each["delivery_status"] == "failed"]
            assert failed
            assert [each for each in failed if not each["delivery_reason"]] == []
