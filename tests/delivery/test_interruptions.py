"""Whatever is cut, stopped, flushed or broken in mid-campaign: nobody twice, nobody lost."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from app.core.config import Settings
from app.core.db import Database
from app.core.redis import connect_redis
from app.delivery import handing
from app.delivery.jobs import Delivery
from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule
from app.worker import open_delivery
from tests.delivery.campaigns import run_sql
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")


WAITING = """
    SELECT pid FROM pg_stat_activity WHERE application_name = 'campaigns-worker' AND wait_event_type = 'Lock'
"""


async def begin(school: SchoolClient, delivery: Delivery, people: int) -> str:
    await school.push_users(people, marketing="subscribed")
    campaign_id: str = (await school.send())["id"]
    await delivery.sweep()
    return campaign_id


async def reach(school: SchoolClient, campaign_id: str, **stats: int) -> Any:
    """Wait until these figures of the campaign are as given."""
    return await eventually(
        lambda: school.read(f"/v1/campaigns/{campaign_id}"),
        lambda seen: {name: seen["stats"][name] for name in stats} == stats,
        seconds=30,
    )


async def assert_everybody_has_one(simulator: SimulatorClient, campaign_id: str, people: int) -> None:
    totals = (await simulator.get_ledger(campaign_id)).totals
    assert (totals.accepted, totals.recipients, totals.duplicates) == (people, people, 0)


async def cut_connections(database: Database) -> None:
    """Cut every connection of the worker to PostgreSQL."""
    await run_sql(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'campaigns-worker'",
    )


async def test_what_ses_accepted_while_postgresql_was_away_is_recorded_when_it_is_back(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, database: Database
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.SLOW, match="SendBulkEmail", seconds=1.0))
    campaign_id = await begin(school, delivery, 100)
    await reach(school, campaign_id, sending=100)
    await cut_connections(database)
    await reach(school, campaign_id, sent=100, unknown=0)
    await assert_everybody_has_one(simulator, campaign_id, 100)


async def test_a_settlement_is_written_again_until_it_holds(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, database: Database
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.SLOW, match="SendBulkEmail", seconds=1.0))
    campaign_id = await begin(school, delivery, 1)
    await reach(school, campaign_id, sending=1)
    # The settlement waits for this lock, and is cut while it does.
    async with database.connection() as connection:
        await connection.exec_driver_sql("LOCK TABLE campaign_counters IN EXCLUSIVE MODE")
        await eventually(lambda: run_sql(database, WAITING), lambda rows: len(rows) > 0)
        await cut_connections(database)
    await reach(school, campaign_id, sent=1, unknown=0)
    await assert_everybody_has_one(simulator, campaign_id, 1)


async def test_connections_cut_again_and_again_cost_nobody_a_mail_or_a_second_one(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, database: Database
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.SLOW, match="SendBulkEmail", seconds=0.1))
    campaign_id = await begin(school, delivery, 1000)
    for _ in range(8):
        await cut_connections(database)
        await school.read(f"/v1/campaigns/{campaign_id}")

    async def count_settled() -> int:
        stats = (await school.read(f"/v1/campaigns/{campaign_id}"))["stats"]
        # A claim whose commit was cut may stand without a call: its lease decides, not we.
        settled: int = stats["sent"] + stats["sending"]
        return settled

    await eventually(count_settled, lambda settled: settled == 1000, seconds=30)
    assert (await simulator.get_ledger(campaign_id)).totals.duplicates == 0


async def test_a_worker_that_leaves_records_its_calls_and_begins_no_more(
    settings: Settings,
    school: SchoolClient,
    simulator: SimulatorClient,
    aws: None,
    database: Database,
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.SLOW, match="SendBulkEmail", seconds=0.5))
    async with open_delivery(settings.model_copy(update={"calls_in_flight": 2})) as delivery:
        campaign_id = await begin(school, delivery, 400)
        await reach(school, campaign_id, sending=100)
    seen = await school.read(f"/v1/campaigns/{campaign_id}")
    assert seen["stats"]["sending"] == seen["stats"]["unknown"] == 0
    assert 0 < seen["stats"]["sent"] < 400
    await assert_everybody_has_one(simulator, campaign_id, seen["stats"]["sent"])
    async with open_delivery(settings):
        await reach(school, campaign_id, sent=400)
    await assert_everybody_has_one(simulator, campaign_id, 400)


async def test_a_worker_that_waits_for_its_turn_leaves_at_once(
    settings: Settings, school: SchoolClient, simulator: SimulatorClient, aws: None
) -> None:
    slow = settings.model_copy(update={"ses_max_send_rate": 0.01})
    async with open_delivery(slow) as delivery:
        campaign_id = await begin(school, delivery, 3)
        await reach(school, campaign_id, sent=1)
        async with asyncio.timeout(5):
            await delivery.deliverer.close()
    redis = connect_redis(settings.redis_url)
    await redis.delete("campaigns:pace")
    await redis.aclose()


async def test_a_claim_that_has_grown_old_is_put_back_and_nobody_is_called(
    school: SchoolClient,
    delivery: Delivery,
    simulator: SimulatorClient,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as frozen:
        frozen.setattr(handing, "CALL_WITHIN_SECONDS", -1.0)
        campaign_id = await begin(school, delivery, 60)
        await eventually(
            lambda: run_sql(database, "SELECT count(*) FROM batches WHERE state = 'done'"),
            lambda rows: rows[0][0] >= 4,
        )
        assert (await simulator.get_ledger(campaign_id)).totals.accepted == 0
    await reach(school, campaign_id, sent=60, unknown=0)
    await assert_everybody_has_one(simulator, campaign_id, 60)


async def test_pausing_and_resuming_over_and_over_loses_nobody(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.SLOW, match="SendBulkEmail", seconds=0.05))
    campaign_id = await begin(school, delivery, 1000)
    for _ in range(5):
        paused = await school.http.post(f"/v1/campaigns/{campaign_id}/pause")
        assert paused.json()["status"] == "paused", paused.text
        await school.http.post(f"/v1/campaigns/{campaign_id}/resume")
    delivery.deliverer.wake()
    await reach(school, campaign_id, sent=1000)
    await assert_everybody_has_one(simulator, campaign_id, 1000)


async def test_two_workers_share_a_campaign(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, settings: Settings
) -> None:
    async with open_delivery(settings) as other:
        campaign_id = await begin(school, delivery, 1000)
        other.deliverer.wake()
        await reach(school, campaign_id, sent=1000)
    await assert_everybody_has_one(simulator, campaign_id, 1000)


async def test_a_redis_that_loses_everything_changes_nothing(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, settings: Settings
) -> None:
    redis = connect_redis(settings.redis_url)
    await simulator.add_faults(FaultRule(FaultKind.SLOW, match="SendBulkEmail", seconds=0.05))
    campaign_id = await begin(school, delivery, 500)
    for _ in range(5):
        await redis.flushall()
    await redis.aclose()
    await reach(school, campaign_id, sent=500)
    await assert_everybody_has_one(simulator, campaign_id, 500)


async def test_operational_mail_overtakes_a_large_campaign_at_a_low_rate(
    settings: Settings, school: SchoolClient, simulator: SimulatorClient, aws: None
) -> None:
    async with open_delivery(settings.model_copy(update={"ses_max_send_rate": 20.0})) as delivery:
        await begin(school, delivery, 300)
        await school.push("groups", {"external_id": "g1", "name": "Ten"})
        members = [{"external_id": f"m{n}", "group": "g1", "user": f"u{n}"} for n in range(1, 11)]
        await school.push("memberships", *members)
        ten = {"filter": {"kind": "group", "group": "g1"}}
        urgent = (await school.send(message_type="operational", audience=ten))["id"]
        started = asyncio.get_running_loop().time()
        await delivery.prepare(school.id, UUID(urgent))
        await reach(school, urgent, sent=10)
        assert asyncio.get_running_loop().time() - started < 2
