"""A campaign the product stumbles over says so, and holds up nobody else."""

import asyncio
from uuid import UUID

import pytest

from app.core.config import Settings
from app.core.db import Database
from app.delivery.jobs import Delivery
from app.simulator.client import SimulatorClient
from app.worker import open_delivery
from tests.delivery.campaigns import open_campaign, read_campaign, run_sql
from tests.delivery.test_interruptions import begin, reach
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")


async def test_a_message_that_cannot_be_composed_pauses_and_does_not_stop_others(
    settings: Settings,
    school: SchoolClient,
    other_school: SchoolClient,
    simulator: SimulatorClient,
    database: Database,
    aws: None,
) -> None:
    turn = await open_campaign(database, school, 2)
    await run_sql(database, "UPDATE campaigns SET compiled = '{}'")
    async with open_delivery(settings) as delivery:
        paused = await eventually(
            lambda: read_campaign(school, turn), lambda seen: bool(seen["status"] == "paused")
        )
        assert "could not be composed" in paused["status_reason"]
        assert (paused["stats"]["queued"], paused["stats"]["unknown"]) == (2, 0)
        healthy = await begin(other_school, delivery, 2)
        await reach(other_school, healthy, sent=2)
    assert (await simulator.get_ledger(str(turn.campaign_id))).totals.accepted == 0


async def test_a_campaign_that_cannot_be_prepared_fails_with_a_reason_and_does_not_stop_others(
    school: SchoolClient, other_school: SchoolClient, delivery: Delivery, database: Database
) -> None:
    await school.push_users(1, marketing="subscribed")
    broken = (await school.send())["id"]
    await run_sql(database, "UPDATE campaigns SET compiled = '{}'")
    healthy = await begin(other_school, delivery, 2)
    await reach(other_school, healthy, sent=2)
    seen = await school.read(f"/v1/campaigns/{broken}")
    assert seen["status"] == "failed"
    assert "could not be prepared" in seen["status_reason"]


async def test_preparing_that_another_is_at_is_left_to_them_without_waiting(
    school: SchoolClient, delivery: Delivery, database: Database
) -> None:
    await school.push_users(1, marketing="subscribed")
    campaign_id = (await school.send())["id"]
    async with database.connection() as connection:
        await connection.exec_driver_sql("SELECT FROM campaigns FOR UPDATE")
        async with asyncio.timeout(5):
            await asyncio.gather(*(delivery.prepare(school.id, UUID(campaign_id)) for _ in range(20)))
    assert (await school.read(f"/v1/campaigns/{campaign_id}"))["status"] == "preparing"
    await delivery.sweep()
    await reach(school, campaign_id, sent=1)
