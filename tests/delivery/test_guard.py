"""The reputation guard: it pauses what harms the account, says why, and lets a person overrule it."""

from uuid import UUID

import pytest

from app.core.db import Database
from app.delivery.fairness import Turn
from app.delivery.guard import pause_risky
from app.delivery.jobs import Delivery
from app.recipients.facts import FactKind
from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule
from tests.campaigns.prepared import record
from tests.delivery.campaigns import claim, open_campaign, read_campaign, run_sql
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")


async def watch(
    school: SchoolClient,
    database: Database,
    turn: Turn,
    *,
    delivered: int,
    bounced: int = 0,
    complained: int = 0,
) -> tuple[str, str | None]:
    """Let so many have been heard of in all, and the guard look; return the campaign's status and reason."""
    await run_sql(
        database,
        "UPDATE campaign_counters SET delivered = :delivered, bounced_permanent = :bounced,"
        " complained = :complained WHERE campaign_id = :id",
        id=turn.campaign_id,
        delivered=delivered,
        bounced=bounced,
        complained=complained,
    )
    async with database.connection() as connection:
        await pause_risky(connection)
    seen = await read_campaign(school, turn)
    return seen["status"], seen["status_reason"]


# Delivered, bounced, complained, and what is then said.
COUNTS = [
    (1240, 52, 0, "4.2 % of 1,240 delivered bounced (limit 4 %). Amazon SES reviews an account at 5 %"),
    (1250, 50, 0, "4 % of 1,250 delivered bounced (limit 4 %)"),
    (480, 20, 0, "4.2 % of 480 delivered bounced"),
    (0, 500, 0, "500 bounced and nothing was delivered (limit 4 %)"),
    (
        1250,
        0,
        1,
        "0.08 % of 1,250 delivered complained (limit 0.08 %). Amazon SES reviews an account at 0.1 %",
    ),
    (10_000, 399, 9, "0.09 % of 10,000 delivered complained"),
    (1250, 49, 0, None),
    (479, 20, 0, None),
    (1251, 0, 1, None),
    (1_000_000, 39_999, 799, None),
    (1_000_000, 0, 0, None),
]


async def test_it_pauses_where_a_limit_is_reached_and_says_which(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 2)
    for delivered, bounced, complained, words in COUNTS:
        await run_sql(database, "UPDATE campaigns SET status = 'sending', status_reason = NULL")
        counts = {"delivered": delivered, "bounced": bounced, "complained": complained}
        status, reason = await watch(school, database, turn, **counts)
        if words is None:
            assert (status, reason) == ("sending", None), counts
            continue
        assert (status, reason and reason.startswith(f"Paused: {words}")) == ("paused", True), reason
        assert await claim(database, turn) is None


async def test_soft_bounces_do_not_count(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 1)
    await run_sql(database, "UPDATE campaign_counters SET bounced_soft = 900")
    assert await watch(school, database, turn, delivered=1000) == ("sending", None)


async def test_each_school_has_its_own_limits(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    limits = {"guard_bounce_rate": 0.5, "guard_complaint_rate": 0.5, "guard_minimum": 10}
    await school.http.patch("/v1/school", json=limits)
    mine = await open_campaign(database, school, 1)
    theirs = await open_campaign(database, other_school, 1)
    assert (await watch(school, database, mine, delivered=6, bounced=2))[0] == "sending"
    assert (await watch(school, database, mine, delivered=600, bounced=200))[0] == "sending"
    assert (await watch(other_school, database, theirs, delivered=6, bounced=2))[0] == "sending"
    assert (await watch(other_school, database, theirs, delivered=600, bounced=200))[0] == "paused"
    status, reason = await watch(school, database, mine, delivered=8, bounced=4)
    assert (status, "limit 50 %" in (reason or "")) == ("paused", True)


async def test_who_resumes_takes_the_numbers_on_and_only_worse_ones_pause_again(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 1)
    assert (await watch(school, database, turn, delivered=1000, bounced=50))[0] == "paused"
    resumed = (await school.http.post(f"/v1/campaigns/{turn.campaign_id}/resume")).json()
    assert (resumed["status"], resumed["status_reason"]) == ("sending", None)
    for delivered, bounced in ((1000, 50), (1000, 51), (2000, 100), (2000, 109)):
        assert (await watch(school, database, turn, delivered=delivered, bounced=bounced))[0] == "sending"
    status, reason = await watch(school, database, turn, delivered=2000, bounced=110)
    assert (status, "(limit 4 %, resumed at 5 %)" in (reason or "")) == ("paused", True)
    await school.http.post(f"/v1/campaigns/{turn.campaign_id}/resume")
    assert (await watch(school, database, turn, delivered=2000, bounced=120))[0] == "sending"
    # What was taken on is bounces: complaints keep their own limit.
    assert (await watch(school, database, turn, delivered=2000, bounced=120, complained=2))[0] == "paused"


async def test_what_is_over_or_stopped_is_left_alone(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 1)
    for status in ("sent", "cancelled", "paused"):
        await run_sql(database, "UPDATE campaigns SET status = :status", status=status)
        assert await watch(school, database, turn, delivered=1000, bounced=500) == (status, None)


async def test_a_worker_pauses_by_itself(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, database: Database
) -> None:
    await school.http.patch("/v1/school", json={"guard_minimum": 4})
    await simulator.add_faults(FaultRule(FaultKind.THROTTLE_429, match="SendBulkEmail", after=1))
    await school.push_users(120, marketing="subscribed")
    campaign = await school.send()
    await delivery.sweep()
    path = f"/v1/campaigns/{campaign['id']}"
    await eventually(lambda: school.read(path), lambda seen: bool(seen["stats"]["sent"] >= 20))
    numbers = await run_sql(
        database, "SELECT number FROM recipient_outcomes WHERE accepted_at IS NOT NULL LIMIT 4"
    )
    turn = Turn(school.id, UUID(campaign["id"]), operational=False)
    for (number,), kind in zip(numbers, ["delivery", "delivery", "delivery", "bounce"], strict=True):
        await record(database, school, turn.campaign_id, number, FactKind(kind))
    await delivery.sweep()
    seen = await school.read(path)
    assert (seen["status"], seen["status_reason"][:42]) == (
        "paused",
        "Paused: 33.3 % of 3 delivered bounced (lim",
    )
