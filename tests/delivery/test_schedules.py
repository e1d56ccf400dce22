"""Scheduled campaigns: started when their time has come, never hours late."""

from datetime import timedelta

import pytest

from app.core.clock import now
from app.core.db import Database
from app.delivery import sweeps
from tests.delivery.campaigns import run_sql
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


async def start_due(database: Database) -> None:
    async with database.connection() as connection:
        await sweeps.start_scheduled(connection, max_lateness_minutes=360)


async def schedule(school: SchoolClient, database: Database, *, minutes_ago: int) -> str:
    """Schedule a message, and let its time have come this long ago."""
    await school.push_users(1, marketing="subscribed")
    campaign = await school.send(send_at=(now() + timedelta(hours=1)).isoformat())
    assert campaign["status"] == "scheduled"
    await start_due(database)
    assert (await school.read(f"/v1/campaigns/{campaign['id']}"))["status"] == "scheduled"
    await run_sql(
        database,
        "UPDATE campaigns SET scheduled_for = now() - make_interval(mins => :minutes)",
        minutes=minutes_ago,
    )
    await start_due(database)
    identifier: str = campaign["id"]
    return identifier


async def test_a_scheduled_campaign_starts_when_its_time_has_come(
    school: SchoolClient, database: Database
) -> None:
    campaign = await schedule(school, database, minutes_ago=0)
    seen = await school.read(f"/v1/campaigns/{campaign}")
    assert seen["status"] == "preparing"
    assert seen["sent_at"] is not None
    async with database.connection() as connection:
        assert [str(found) for _, found in await sweeps.find_unprepared(connection)] == [campaign]


async def test_a_schedule_missed_by_hours_waits_for_a_person(
    school: SchoolClient, database: Database
) -> None:
    campaign = await schedule(school, database, minutes_ago=400)
    seen = await school.read(f"/v1/campaigns/{campaign}")
    assert seen["status"] == "paused"
    assert "360 minutes" in seen["status_reason"]
    resumed = (await school.http.post(f"/v1/campaigns/{campaign}/resume")).json()
    assert (resumed["status"], resumed["status_reason"]) == ("preparing", None)
