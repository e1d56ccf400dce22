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
from app.mail.types import OutcomeKind
from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule
from tests.mail.outgoing import make_batch

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


async def send(pacer: Pacer, mail: SesMail, people: int) -> int:
    """Hand off, ten a call, as long as it is allowed; return how many were accepted."""
    rate, sent = await pacer.read_rate(), 0
    while sent < people and await pacer.reserve(10, rate) is not None:
        addresses = (f"u{sent + n}@x.example" for n in range(10))
        outcomes = await mail.send_batch(make_batch(*addresses))
        assert {outcome.kind for outcome in outcomes} == {OutcomeKind.SENT}
        sent += 10
    return sent


async def test_the_daily_quota_is_used_whole_by_several_workers_and_never_passed(
    redis: Any, mail: SesMail, key: str, simulator: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.delivery.pacing.REFRESH_SECONDS", 0.0)
    await simulator.change_settings(sending={"max_24_hour_send": 105, "max_send_rate": 100_000})
    one, other = (Pacer(redis, mail, override=None, key=key) for _ in range(2))
    assert await send(one, mail, 30) == 30
    # The account's answer has those 30 in it, and so has what was reserved just before it: twice is too often
    # rather than once too few, until they are old enough.
    assert await send(other, mail, 1000) == 40
    assert await one.read_hold() is not None
    await redis.delete(f"{key}:held")
    await _let_pass(redis, key, seconds=30)
    assert await send(one, mail, 1000) == 30
    await redis.delete(f"{key}:held")
    await _let_pass(redis, key, seconds=30)
    assert await send(other, mail, 1000) == 0
    assert await one.reserve(1, Rate(1000.0)) is None


async def _let_pass(redis: Any, key: str, *, seconds: int) -> None:
    """Let everything that was reserved have been this much earlier."""
    reserved = await redis.hgetall(f"{key}:reserved")
    await redis.delete(f"{key}:reserved")
    if reserved:
        earlier = {int(second) - seconds: count for second, count in reserved.items()}
        await redis.hset(f"{key}:reserved", mapping=earlier)


async def test_what_is_given_back_is_not_used_of_the_quota(
    redis: Any, mail: SesMail, key: str, simulator: SimulatorClient
) -> None:
    await simulator.change_settings(sending={"max_24_hour_send": 60})
    pacer = Pacer(redis, mail, override=1000.0, key=key)  # an override of the rate is none of the quota
    rate = await pacer.read_rate()
    assert await pacer.reserve(50, rate) is not None
    await pacer.give_back(40, rate)
    assert await pacer.reserve(50, rate) is not None
    assert await pacer.reserve(1, rate) is None


@pytest.mark.parametrize("limit", [-1, 100])
async def test_without_a_limit_nothing_is_held_and_an_old_answer_holds_nothing(
    redis: Any, mail: SesMail, key: str, simulator: SimulatorClient, limit: int
) -> None:
    await simulator.change_settings(sending={"max_24_hour_send": limit})
    pacer = Pacer(redis, mail, override=None, key=key)
    rate = await pacer.read_rate()
    assert 0 < await redis.ttl(f"{key}:day") <= 300 if limit > 0 else not await redis.exists(f"{key}:day")
    await redis.delete(f"{key}:day")  # as Redis does when the account has not answered for so long
    for _ in range(5):
        assert await pacer.reserve(50, rate) is not None
    assert await pacer.read_hold() is None


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


async def test_the_first_to_know_the_rate_ends_the_waiting_for_the_slowest(
    redis: Any, mail: SesMail, key: str, simulator: SimulatorClient
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.THROTTLE_429, match="GetAccount", count=2))
    await simulator.change_settings(sending={"max_send_rate": 1000})
    unsure, other, first, late = (Pacer(redis, mail, override=None, key=key) for _ in range(4))
    for pacer in (unsure, other):
        assert await pacer.reserve(LARGEST_CALL, await pacer.read_rate()) is not None
    assert (await other.reserve(1, SLOWEST) or 0) > LARGEST_CALL
    assert (await first.read_rate()).allowed == 1000
    assert (await first.reserve(50, Rate(1000.0)) or 0) < 0.1
    # What is reserved from then on is kept, whoever else learns the rate.
    for _ in range(20):
        await first.reserve(50, Rate(1000.0))
    await late.read_rate()
    assert (await late.reserve(50, Rate(1000.0)) or 0) > 0.5


async def test_one_that_is_not_answered_goes_by_what_another_was_told(
    redis: Any, mail: SesMail, key: str, simulator: SimulatorClient
) -> None:
    await simulator.change_settings(sending={"max_send_rate": 80})
    await Pacer(redis, mail, override=None, key=key).read_rate()
    await simulator.add_faults(FaultRule(FaultKind.THROTTLE_429, match="GetAccount", count=1))
    assert await Pacer(redis, mail, override=None, key=key).read_rate() == Rate(80.0)


def test_a_call_is_a_small_part_of_a_second() -> None:
    allowed = (1.0, 14.0, 200.0, 1000.0, 50_000.0)
    assert [Rate(each).largest_call for each in allowed] == [1, 1, 5, 25, 50]
    assert SLOWEST.largest_call == LARGEST_CALL
