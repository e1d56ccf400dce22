"""The engine against a bad day at SES: the campaign ends, nobody is mailed twice, every failure is named."""

from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database
from app.delivery.jobs import Delivery
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts
from app.simulator.client import SimulatorClient
from app.simulator.faults import ENTRY_STATUSES, FaultKind, FaultRule
from app.worker import open_delivery
from tests.conftest import forget_pace
from tests.delivery.campaigns import hear_events, hear_of_accepted, run_sql
from tests.kept import Keeper
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")
PEOPLE = 120


@pytest.fixture
async def impatient(
    settings: Settings, keeper: Keeper, simulator: SimulatorClient, aws: None, empty_database: Database
) -> AsyncIterator[Delivery]:
    """A worker that waits no more than a second for evidence."""
    hasty = settings.model_copy(update={"reconcile_after_seconds": 1})
    with patch("app.worker.Database", keeper.open):
        async with open_delivery(hasty) as delivery:
            yield delivery


@pytest.fixture
def hold(settings: Settings) -> Any:
    """Take away what holds sending, when called."""

    async def release(database: Database) -> None:
        await forget_pace(settings)
        await run_sql(database, "UPDATE batches SET not_before = now() WHERE state = 'due'")

    return release


async def begin(school: SchoolClient, delivery: Delivery, people: int = PEOPLE) -> str:
    await school.push_users(people, marketing="subscribed")
    campaign_id: str = (await school.send())["id"]
    await delivery.sweep()
    return campaign_id


async def reach(
    school: SchoolClient, delivery: Delivery, campaign_id: str, status: str, heard_in: Database | None = None
) -> Any:
    """Sweep, as a worker does every second, until the campaign has this status; return it.

    With `heard_in` events come of whatever SES accepted.
    """

    async def look() -> Any:
        if heard_in:
            await hear_of_accepted(heard_in, seconds_ago=60)
        await delivery.sweep()
        return await school.read(f"/v1/campaigns/{campaign_id}")

    return await eventually(look, lambda seen: bool(seen["status"] == status), seconds=40)


async def wait_for_answers(school: SchoolClient, campaign_id: str) -> Any:
    """Wait until every call is over, well or not; return the campaign's stats."""

    async def read_stats() -> Any:
        return (await school.read(f"/v1/campaigns/{campaign_id}"))["stats"]

    return await eventually(read_stats, lambda seen: bool(seen["sent"] + seen["unknown"] == PEOPLE))


async def assert_everybody_has_one(
    simulator: SimulatorClient, campaign_id: str, people: int = PEOPLE
) -> None:
    totals = (await simulator.get_ledger(campaign_id)).totals
    assert (totals.accepted, totals.recipients, totals.duplicates) == (people, people, 0)


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE_429, FaultKind.ERROR_503])
async def test_a_storm_of_refusals_is_waited_out(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, kind: FaultKind
) -> None:
    await simulator.add_faults(FaultRule(kind, match="SendBulkEmail", count=6))
    campaign_id = await begin(school, delivery)
    seen = await reach(school, delivery, campaign_id, "sent")
    assert seen["stats"]["sent"] == PEOPLE
    await assert_everybody_has_one(simulator, campaign_id)


@pytest.mark.parametrize("kind", [FaultKind.ERROR_500, FaultKind.ERROR_502, FaultKind.RESET_BEFORE])
async def test_what_was_perhaps_sent_and_was_not_is_sent_after_the_delay(
    school: SchoolClient, impatient: Delivery, simulator: SimulatorClient, database: Database, kind: FaultKind
) -> None:
    await hear_events(database)
    await simulator.add_faults(FaultRule(kind, match="SendBulkEmail", count=2))
    campaign_id = await begin(school, impatient)
    seen = await reach(school, impatient, campaign_id, "sent", heard_in=database)
    assert (seen["stats"]["sent"], seen["stats"]["unknown"]) == (PEOPLE, 0)
    await assert_everybody_has_one(simulator, campaign_id)


@pytest.mark.parametrize(
    "rule",
    [
        FaultRule(FaultKind.ERROR_500, match="SendBulkEmail", count=2, accepts=True),
        FaultRule(FaultKind.RESET_AFTER_ACCEPTANCE, match="SendBulkEmail", count=2),
        FaultRule(FaultKind.TIMEOUT_AFTER_ACCEPTANCE, match="SendBulkEmail", count=1),
    ],
    ids=lambda rule: str(rule.kind),
)
async def test_what_was_perhaps_sent_and_was_is_settled_by_evidence(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, database: Database, rule: FaultRule
) -> None:
    await simulator.add_faults(rule)
    campaign_id = await begin(school, delivery)
    assert (await wait_for_answers(school, campaign_id))["unknown"] > 0
    await assert_everybody_has_one(simulator, campaign_id)
    async with database.connection() as connection:
        for number in range(1, PEOPLE + 1):
            key = RecipientKey(school.id, UUID(campaign_id), number)
            await record_facts(connection, [Fact(key, FactKind.SENT, now(), message_id=f"m{number}")])
    seen = await reach(school, delivery, campaign_id, "sent")
    assert (seen["stats"]["sent"], seen["stats"]["unknown"]) == (PEOPLE, 0)
    await assert_everybody_has_one(simulator, campaign_id)


FAILING = {"MESSAGE_REJECTED", "INVALID_PARAMETER", "FAILED"}
RETRIED = {"ACCOUNT_THROTTLED", "TRANSIENT_FAILURE"}
WAITING = {"ACCOUNT_DAILY_QUOTA_EXCEEDED"}


@pytest.mark.parametrize("status", sorted(set(ENTRY_STATUSES) - {"SUCCESS"}))
async def test_each_status_of_an_entry(
    school: SchoolClient,
    delivery: Delivery,
    simulator: SimulatorClient,
    database: Database,
    hold: Any,
    status: Any,
) -> None:
    rule = FaultRule(FaultKind.ENTRY_STATUS, address="user3@*", status=status, count=1)
    await simulator.add_faults(rule)
    campaign_id = await begin(school, delivery, 5)
    words = f"{status.replace('_', ' ').capitalize()}."
    path = f"/v1/campaigns/{campaign_id}"
    if status in WAITING:
        waiting = await eventually(lambda: school.read(path), lambda seen: seen["status_reason"] is not None)
        assert "daily quota" in waiting["status_reason"]
        await hold(database)
    elif status not in FAILING | RETRIED:
        paused = await reach(school, delivery, campaign_id, "paused")
        assert paused["status_reason"] == f"SES: {words}"
        assert (paused["stats"]["sent"], paused["stats"]["queued"]) == (4, 1)
        assert (await school.http.post(f"{path}/resume")).json()["status_reason"] is None
    seen = await reach(school, delivery, campaign_id, "sent")
    failed = 1 if status in FAILING else 0
    assert (seen["stats"]["sent"], seen["stats"]["failed"]) == (5 - failed, failed)
    await assert_everybody_has_one(simulator, campaign_id, 5 - failed)
    if failed:
        page = await school.read(f"{path}/recipients", delivery_status="failed")
        assert [(each["email"], each["diagnostic"]) for each in page["items"]] == [
            ("user3@school.example", words)
        ]


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.ACCOUNT_SUSPENDED,
        FaultKind.SENDING_PAUSED,
        FaultKind.CONFIGURATION_SET_NOT_FOUND,
        FaultKind.MAIL_FROM_NOT_VERIFIED,
    ],
)
async def test_what_only_a_person_can_mend_pauses_and_loses_nobody(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, kind: FaultKind
) -> None:
    await simulator.add_faults(FaultRule(kind, match="SendBulkEmail"))
    campaign_id = await begin(school, delivery)
    paused = await reach(school, delivery, campaign_id, "paused")
    assert paused["status_reason"].startswith("SES: ")
    assert paused["stats"]["queued"] + paused["stats"]["sending"] == PEOPLE
    await simulator.clear_faults()
    await school.http.post(f"/v1/campaigns/{campaign_id}/resume")
    await reach(school, delivery, campaign_id, "sent")
    await assert_everybody_has_one(simulator, campaign_id)


async def test_the_daily_quota_is_waited_for_with_the_reason_and_then_the_rest_goes_out(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, database: Database, hold: Any
) -> None:
    await simulator.change_settings(sending={"max_24_hour_send": 100})
    campaign_id = await begin(school, delivery, 300)
    path = f"/v1/campaigns/{campaign_id}"

    async def look() -> Any:
        await delivery.sweep()
        return await school.read(path)

    waiting = await eventually(
        look, lambda seen: seen["status_reason"] is not None and seen["stats"]["sent"] == 100
    )
    assert waiting["status"] == "sending"
    assert "UTC" in waiting["status_reason"]
    assert await delivery.pacer.read_hold() is not None
    assert (await look())["status_reason"] == waiting["status_reason"]
    await simulator.change_settings(sending={"max_24_hour_send": -1})
    await hold(database)
    seen = await reach(school, delivery, campaign_id, "sent")
    assert (seen["stats"]["sent"], seen["status_reason"]) == (300, None)
    await assert_everybody_has_one(simulator, campaign_id, 300)


async def test_one_bad_address_is_found_alone_and_everybody_else_gets_theirs(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.BAD_REQUEST_FOR_ADDRESS, address="user77@*"))
    campaign_id = await begin(school, delivery)
    seen = await reach(school, delivery, campaign_id, "sent")
    assert (seen["stats"]["sent"], seen["stats"]["failed"]) == (PEOPLE - 1, 1)
    page = await school.read(f"/v1/campaigns/{campaign_id}/recipients", delivery_status="failed")
    assert [each["email"] for each in page["items"]] == ["user77@school.example"]
    assert "Invalid email address" in page["items"][0]["diagnostic"]
    await assert_everybody_has_one(simulator, campaign_id, PEOPLE - 1)


async def test_an_endpoint_that_refuses_for_good_names_everybody_who_failed(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, database: Database
) -> None:
    await simulator.add_faults(FaultRule(FaultKind.THROTTLE_429, match="SendBulkEmail"))
    campaign_id = await begin(school, delivery, 3)
    await eventually(
        lambda: run_sql(database, "SELECT tries FROM batches WHERE state = 'due' AND tries > 0"),
        lambda due: len(due) == 1,
    )
    await run_sql(database, "UPDATE batches SET tries = 8, not_before = now() WHERE state = 'due'")
    seen = await reach(school, delivery, campaign_id, "sent")
    assert (seen["stats"]["failed"], seen["stats"]["sent"]) == (3, 0)
    page = await school.read(f"/v1/campaigns/{campaign_id}/recipients")
    assert {each["diagnostic"] for each in page["items"]} == {"Maximum sending rate exceeded."}
