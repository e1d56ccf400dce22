"""The account's pace with real workers: used whole, never passed, urgent mail first, schools side by side."""

import asyncio
import time
from collections.abc import Iterator, Sequence

import pytest

from app.demo.stack import Stack
from app.simulator.client import RateSlot, SimulatorClient
from tests.flow.deployment import QUIET, Deployment, run_blocking
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]
SLOTS_PER_SECOND = 10
RATE = 200
NEW_RATE = 100
QUOTA = 18_000
FOLLOWED_WITHIN_SECONDS = 60
WAITING = 200_000
TEN = 10
PATIENCE_SECONDS = 2.0
MARKETING = {"marketing": "subscribed"}


@pytest.fixture
def stack() -> Iterator[Stack]:
    """A deployment of its own, its workers started by the test."""
    with Stack(durable=False, workers=0, simulator_rate=float(RATE)) as stack:
        yield stack


async def count(world: SimulatorClient, campaign_id: str) -> int:
    """Return how many recipients SES has accepted."""
    return (await world.get_ledger(campaign_id)).totals.accepted


def count_by_second(slots: Sequence[RateSlot]) -> list[int]:
    """Return the recipients accepted in each second, wherever among the slots it begins."""
    accepted = {round(slot.at * SLOTS_PER_SECOND): slot.accepted for slot in slots}
    first, last = min(accepted), max(accepted)
    return [
        sum(accepted.get(slot, 0) for slot in range(start, start + SLOTS_PER_SECOND))
        for start in range(first, last - SLOTS_PER_SECOND + 2)
    ]


async def watch(world: SimulatorClient, *, seconds: float) -> list[int]:
    """Let so much time go by; return what was accepted in each second of it."""
    begin = time.time()
    await asyncio.sleep(seconds)
    return count_by_second([slot for slot in await world.list_rate() if begin <= slot.at < begin + seconds])


async def test_the_rate_is_used_and_never_passed_a_change_followed_and_the_quota_kept(stack: Stack) -> None:
    for _ in range(2):
        await run_blocking(stack.start_worker)
    async with SimulatorClient(stack.simulator_url) as world:
        deployment = Deployment(stack, world)
        async with deployment.school() as school:
            await world.change_settings(behaviour=QUIET, sending={"max_24_hour_send": QUOTA})
            await school.push_users(QUOTA + 2_000, **MARKETING)
            campaign_id = (await school.send())["id"]
            await eventually(lambda: count(world, campaign_id), lambda seen: seen > RATE, seconds=30)
            seconds = await watch(world, seconds=40)
            used = sum(seconds) / len(seconds)
            print(f"at {RATE}/s: {used:.1f}/s on average, {max(seconds)} in the busiest second")  # noqa: T201
            assert max(seconds) <= 1.05 * RATE
            assert used >= 0.95 * RATE

            await world.change_settings(sending={"max_send_rate": NEW_RATE})
            await asyncio.sleep(FOLLOWED_WITHIN_SECONDS)
            seconds = await watch(world, seconds=20)
            used = sum(seconds) / len(seconds)
            print(f"at {NEW_RATE}/s: {used:.1f}/s on average, {max(seconds)} in the busiest second")  # noqa: T201
            assert max(seconds) <= 1.05 * NEW_RATE
            assert used >= 0.95 * NEW_RATE

            await world.change_settings(sending={"max_send_rate": 1000})

            async def read_reason() -> str:
                return str((await school.read(f"/v1/campaigns/{campaign_id}"))["status_reason"])

            await eventually(read_reason, lambda reason: "daily quota" in reason, seconds=120)
            # What was reserved just before the account was asked may count twice, and is then waited out.
            nearly = 0.99 * QUOTA
            await eventually(lambda: count(world, campaign_id), lambda seen: seen >= nearly, seconds=240)
            await asyncio.sleep(FOLLOWED_WITHIN_SECONDS)
            taken = await count(world, campaign_id)
            print(f"{taken} taken of a quota of {QUOTA}")  # noqa: T201
            assert taken <= QUOTA


async def test_urgent_mail_overtakes_and_schools_go_side_by_side(stack: Stack) -> None:
    for _ in range(2):
        await run_blocking(stack.start_worker)
    async with SimulatorClient(stack.simulator_url) as world:
        deployment = Deployment(stack, world)
        await world.change_settings(behaviour=QUIET, sending={"max_send_rate": 1000})
        async with deployment.school() as large, deployment.school("Hillside School") as small:
            await large.push_users(WAITING, **MARKETING)
            await small.push_users(WAITING // 20, **MARKETING)
            await large.push("groups", {"external_id": "ten", "name": "Ten"})
            members = [{"external_id": f"m{n}", "user": f"u{n}", "group": "ten"} for n in range(1, TEN + 1)]
            await large.push("memberships", *members)
            first = (await large.send())["id"]
            await eventually(lambda: count(world, first), lambda seen: seen > 1000, seconds=120)
            second = (await small.send())["id"]
            await eventually(lambda: count(world, second), bool, seconds=30)
            before = await count(world, first), await count(world, second)
            for _ in range(5):
                await hand_off_urgently(world, large)
            after = await count(world, first), await count(world, second)
            sent = [now - then for now, then in zip(after, before, strict=True)]
            print(f"meanwhile {sent[0]} of the large school's mails and {sent[1]} of the small one's")  # noqa: T201
            assert sum(after) < WAITING
            assert max(sent) - min(sent) <= max(200, 0.1 * max(sent))


async def hand_off_urgently(world: SimulatorClient, school: SchoolClient) -> None:
    """Send an operational message to ten people; it must not wait."""
    ten = {"filter": {"kind": "group", "group": "ten"}}
    campaign_id = (await school.send(message_type="operational", audience=ten))["id"]
    begin = time.monotonic()
    await eventually(lambda: count(world, campaign_id), lambda seen: seen == TEN, seconds=30)
    took = time.monotonic() - begin
    print(f"urgent mail handed off {took:.2f} s after the answer")  # noqa: T201
    assert took <= PATIENCE_SECONDS
    await asyncio.sleep(1)
