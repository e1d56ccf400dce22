"""The account's rate, shared by several workers through a real Redis."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from app.core.config import Settings
from app.core.redis import connect_redis
from app.delivery.pacing import LARGEST_CALL, SLOWEST, Pacer, Rate
from app.mail.ses import SesMail
from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule

SECONDS = 3.0


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    client = connect_redis(settings.redis_url)
    yield client
    await client.aclose()


@pytest.fixture
async def mail(aws: None, simulator: SimulatorClient) -> AsyncIterator[SesMail]:
    async with SesMail("campaigns") as mail:
        yield mail


@pytest.fixture
def key() -> str:
    return f"test:pace:{uuid4()}"


async def _call_for(pacer: Pacer, rate: Rate, calls: list[tuple[float, int]], *, seconds: float) -> None:
    """Be a worker that always has work: note when each call would begin, and its size."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        wait = await pacer.reserve(rate.largest_call, rate)
        assert wait is not None
        await asyncio.sleep(wait)
        calls.append((loop.time(), rate.largest_call))


@pytest.mark.parametrize("allowed", [14.0, 200.0, 1000.0])
async def test_many_workers_use_the_rate_and_never_pass_it(
    redis: Any, mail: SesMail, key: str, allowed: float
) -> None:
    rate, calls = Rate(allowed), list[tuple[float, int]]()
    workers = [Pacer(redis, mail, override=allowed, key=key) for _ in range(4)]
    await asyncio.gather(*(_call_for(pacer, rate, calls, seconds=SECONDS) for pacer in workers))
    calls.sort()
    first = calls[0][0]
    busiest = max(sum(size for at, size in calls if start <= at < start + 1) for start, _ in calls)
    assert busiest <= max(allowed * 1.05, allowed + 1)
    used = sum(size for at, size in calls if at < first + SECONDS)
    assert used >= 0.95 * allowed * SECONDS


async def test_what_is_given_back_can_be_used_by_another(redis: Any, mail: SesMail, key: str) -> None:
    rate = Rate(10.0)
    one, other = (Pacer(redis, mail, override=10.0, key=key) for _ in range(2))
    assert await one.reserve(50, rate) == 0
    await one.give_back(50, rate)
    assert (await other.reserve(1, rate) or 0) < 0.05


async def test_a_call_larger_than_was_reserved_is_charged(redis: Any, mail: SesMail, key: str) -> None:
    rate = Rate(100.0)
    pacer = Pacer(redis, mail, override=100.0, key=key)
    await pacer.reserve(5, rate)
    await pacer.give_back(5 - 50, rate)
    assert (await pacer.reserve(5, rate) or 0) > 0.4


async def test_slowing_down_holds_every_worker_once_however_many_ask(
    redis: Any, mail: SesMail, key: str
) -> None:
    rate = Rate(1000.0)
    one, other = (Pacer(redis, mail, override=1000.0, key=key) for _ in range(2))
    for _ in range(16):
        await one.slow_down(seconds=0.5)
    wait = await other.reserve(50, rate)
    assert wait is not None
    assert 0.3 < wait <= 0.5


async def test_a_hold_lets_nobody_reserve_until_it_ends(redis: Any, mail: SesMail, key: str) -> None:
    rate = Rate(1000.0)
    one, other = (Pacer(redis, mail, override=1000.0, key=key) for _ in range(2))
    await one.hold(seconds=60)
    assert await other.reserve(50, rate) is None
    await redis.delete(f"{key}:held")
    assert await other.reserve(50, rate) == 0


async def test_the_accounts_own_rate_is_asked_and_a_change_followed(
    redis: Any, mail: SesMail, key: str, simulator: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.delivery.pacing.REFRESH_SECONDS", 0.0)
    pacer = Pacer(redis, mail, override=None, key=key)
    await simulator.change_settings(sending={"max_send_rate": 200})
    assert (await pacer.read_rate()).allowed == 200
    await simulator.change_settings(sending={"max_send_rate": 14})
    assert (await pacer.read_rate()).allowed == 14


async def test_an_override_is_not_asked_for(redis: Any, mail: SesMail, key: str) -> None:
    assert (await Pacer(redis, mail, override=25.0, key=key).read_rate()).allowed == 25


async def test_an_account_that_does_not_answer_is_asked_now_and_then_and_sent_through_slowly(
    redis: Any, mail: SesMail, key: str, simulator: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.THROTTLE_429, match="GetAccount", count=1))
    pacer = Pacer(redis, mail, override=None, key=key)
    assert await pacer.read_rate() == SLOWEST
    assert await pacer.read_rate() == SLOWEST  # the account would answer now, but is left alone for a while
    monkeypatch.setattr(pacer, "_read_next_at", 0.0)
    assert (await pacer.read_rate()).known


def test_a_call_is_a_small_part_of_a_second() -> None:
    assert [Rate(allowed).largest_call for allowed in (1.0, 14.0, 200.0, 1000.0, 50_000.0)] == [
        1,
        1,
        10,
        50,
        50,
    ]
    assert SLOWEST.largest_call == LARGEST_CALL
