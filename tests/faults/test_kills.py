"""Whatever dies in mid-campaign, everybody is mailed exactly once and the report ends up right, by itself."""

import asyncio
import random
import secrets
import signal
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.demo.stack import Process, Stack
from app.simulator.faults import FaultKind, FaultRule
from tests.faults.checker import find_violations
from tests.faults.conftest import RECONCILE_AFTER_SECONDS
from tests.faults.doomed import POINTS
from tests.faults.history import read_history
from tests.flow.deployment import Deployment, check_sums, run_blocking
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(300)
SECONDS = 120.0


async def prepare(school: SchoolClient, recipients: int) -> str:
    """Send to this many; return the campaign's id."""
    await school.push_users(recipients, marketing="subscribed")
    return str((await school.send())["id"])


async def begin(deployment: Deployment, school: SchoolClient, recipients: int) -> str:
    """Send to this many and return the campaign's id once the first have their mail."""
    campaign_id = await prepare(school, recipients)
    await deployment.wait(school, campaign_id, sent=50)
    return campaign_id


async def start_doomed(stack: Stack, point: str, *, nth: int) -> Process:
    """Start a worker that kills itself when it is at this point for the nth time."""
    arguments = (point, str(nth))
    return await asyncio.to_thread(stack.start_worker, module="tests.faults.doomed", arguments=arguments)


async def end_well(
    deployment: Deployment, school: SchoolClient, campaign_id: str, recipients: int
) -> dict[str, Any]:
    """Wait for the end: that of a campaign that nothing happened to, whose history keeps every promise."""
    campaign = await deployment.rest(school, campaign_id, seconds=SECONDS)
    await deployment.check(campaign, recipients=recipients)
    check_sums(campaign["stats"])
    ledger = await deployment.world.get_ledger(campaign_id, recipients=recipients + 1)
    totals = ledger.totals
    assert (totals.accepted, totals.recipients, totals.duplicates) == (recipients, recipients, 0)
    assert campaign["stats"]["unknown"] == 0
    history = await read_history(deployment.stack.services.database_url, UUID(campaign_id))
    acceptances = {int(each.recipient_id): each.accepted for each in ledger.recipients}
    assert find_violations(history, acceptances) == []
    return campaign


async def count_accepted(deployment: Deployment, campaign_id: str) -> int:
    return (await deployment.world.get_ledger(campaign_id)).totals.accepted


async def wait_for_handoffs(deployment: Deployment, campaign_id: str, more: int) -> None:
    """Wait until SES has accepted this many more."""
    start = await count_accepted(deployment, campaign_id)
    await eventually(
        lambda: count_accepted(deployment, campaign_id), lambda seen: seen >= start + more, seconds=SECONDS
    )


def find_process(stack: Stack, name: str) -> Process:
    """Return the newest process of this name; it must be running."""
    process = next(each for each in reversed(stack.processes) if each.name == name)
    assert process.popen.poll() is None, process.log.read_text()[-2000:]
    return process


async def test_worker_killed_at_every_point_of_a_batch_and_anywhere(
    deployment: Deployment, school: SchoolClient
) -> None:
    seed = secrets.randbits(32)
    print(f"seed {seed}")  # noqa: T201  # shown when the test fails
    chance = random.Random(seed)
    await run_blocking(find_process(deployment.stack, "worker").stop)
    campaign_id = await prepare(school, 2400)
    for point in chance.sample(POINTS, len(POINTS)):
        doomed = await start_doomed(deployment.stack, point, nth=chance.randint(1, 8))
        await run_blocking(doomed.popen.wait, SECONDS)
        assert doomed.popen.returncode == -signal.SIGKILL, doomed.log.read_text()[-2000:]
    worker = await run_blocking(deployment.stack.start_worker)
    await wait_for_handoffs(deployment, campaign_id, chance.randint(50, 500))
    await asyncio.sleep(chance.random() * 0.1)  # the instant is the point, not a wait
    await run_blocking(worker.stop, signal.SIGKILL)
    assert await count_accepted(deployment, campaign_id) < 2400
    await run_blocking(deployment.stack.start_worker)
    await end_well(deployment, school, campaign_id, 2400)


async def test_events_held_up_past_the_delay_get_nobody_a_second_mail(
    deployment: Deployment, school: SchoolClient
) -> None:
    """As when the webhook was away or far behind: what SES took is unheard of, and not sent again."""
    campaign_id = await begin(deployment, school, 1200)
    await deployment.world.change_settings(sns={"paused": True})
    lost_answers = FaultRule(FaultKind.RESET_AFTER_ACCEPTANCE, match="SendBulkEmail", count=2)
    await deployment.world.add_faults(lost_answers)

    async def read_stats() -> Any:
        return (await school.read(f"/v1/campaigns/{campaign_id}"))["stats"]

    await eventually(read_stats, lambda seen: bool(seen["sent"] + seen["unknown"] == 1200), seconds=SECONDS)
    assert (await read_stats())["unknown"]
    await asyncio.sleep(RECONCILE_AFTER_SECONDS + 3)  # whatever would be sent again, was
    assert await count_accepted(deployment, campaign_id) == 1200
    await deployment.world.change_settings(sns={"paused": False})
    await end_well(deployment, school, campaign_id, 1200)


async def test_worker_asked_to_leave_leaves_nothing_open(
    deployment: Deployment, school: SchoolClient
) -> None:
    campaign_id = await begin(deployment, school, 1200)
    worker = find_process(deployment.stack, "worker")
    asked = time.monotonic()
    await run_blocking(worker.stop, signal.SIGTERM)
    assert time.monotonic() - asked < 10
    assert worker.popen.returncode == 0
    stats = (await school.read(f"/v1/campaigns/{campaign_id}"))["stats"]
    assert (stats["unknown"], stats["sending"]) == (0, 0)
    assert stats["sent"] == await count_accepted(deployment, campaign_id) < 1200
    await run_blocking(deployment.stack.start_worker)
    await end_well(deployment, school, campaign_id, 1200)


async def restart_redis(stack: Stack) -> None:
    redis = stack.services.redis
    await run_blocking(redis.kill)
    await run_blocking(redis.start)


async def restart_postgres(stack: Stack) -> None:
    await run_blocking(stack.services.postgres.restart)


@pytest.mark.parametrize("disturb", [restart_redis, restart_postgres])
async def test_service_lost_in_mid_campaign(
    deployment: Deployment, school: SchoolClient, disturb: Callable[[Stack], Any]
) -> None:
    campaign_id = await begin(deployment, school, 1200)
    for _ in range(2):
        await wait_for_handoffs(deployment, campaign_id, 100)
        await disturb(deployment.stack)
    assert await count_accepted(deployment, campaign_id) < 1200
    await end_well(deployment, school, campaign_id, 1200)
    # The processes that were there before are the ones that went on.
    find_process(deployment.stack, "worker")
    find_process(deployment.stack, "api")


async def test_api_killed_while_events_arrive(deployment: Deployment, school: SchoolClient) -> None:
    """What was not answered 200 comes again: nothing that SES reported is lost, nothing counts twice."""
    campaign_id = await begin(deployment, school, 1200)
    for _ in range(2):  # the second time in the rush of what is delivered again
        await run_blocking(find_process(deployment.stack, "api").stop, signal.SIGKILL)
        await run_blocking(deployment.stack.start_api)
    campaign = await end_well(deployment, school, campaign_id, 1200)
    assert campaign["stats"]["bounced"]
    assert (await deployment.world.get_ledger(campaign_id)).notifications["retried"]


async def test_redis_away_for_a_while_is_said_and_survived(
    deployment: Deployment, school: SchoolClient
) -> None:
    redis = deployment.stack.services.redis
    await run_blocking(redis.kill)
    try:
        readiness = await school.http.get("/readyz")
        assert (readiness.status_code, readiness.json()["redis"]) == (503, "away")
        await school.push_users(100, marketing="subscribed")
        campaign = await school.send()  # recorded all the same; the sweep finds it
        assert campaign["status"] == "preparing"
    finally:
        await run_blocking(redis.start)
    await end_well(deployment, school, campaign["id"], 100)
    assert (await school.http.get("/readyz")).status_code == 200
