"""Retrying: who certainly has no mail is sent it again, nobody else, and only as often as a person asks."""

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.core.db import Database
from app.delivery import retrying, sweeps
from app.delivery.fairness import Turn
from app.delivery.jobs import Delivery
from app.delivery.retrying import find_retried, put_back_some
from app.delivery.settling import write_settlements
from app.mail.types import OutcomeKind
from app.recipients.facts import FactKind
from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule
from tests.campaigns.prepared import record
from tests.delivery.campaigns import (
    claim,
    claim_some,
    list_batches,
    list_recipients,
    open_campaign,
    read_campaign,
    run_sql,
)
from tests.delivery.test_engine import assert_everybody_has_one, begin, reach
from tests.delivery.test_settling import answer
from tests.directory.faults import read_faults
from tests.recipients.campaign import Campaign
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")
SENT, FAILED, UNKNOWN = OutcomeKind.SENT, OutcomeKind.FAILED, OutcomeKind.UNKNOWN


async def hand_off(database: Database, turn: Turn, *kinds: OutcomeKind) -> None:
    """Claim the next batch, let SES answer, and record it."""
    claimed = await claim_some(database, turn)
    async with database.connection() as connection:
        await write_settlements(connection, [answer(claimed, *kinds)])


async def end(database: Database) -> None:
    """Give up what is unknown, and let the campaign end."""
    await run_sql(database, "UPDATE batches SET state = 'undecided' WHERE state = 'unknown'")
    async with database.connection() as connection:
        await sweeps.complete_campaigns(connection)


async def retry(school: SchoolClient, turn: Turn, **body: Any) -> httpx.Response:
    path = f"/v1/campaigns/{turn.campaign_id}/retry-failed"
    return await school.http.post(path, json=body) if body else await school.http.post(path)


async def put_back(database: Database, *, most: int = 100) -> None:
    """Be the sweep, for so many steps."""
    async with database.connection() as connection:
        retried = await find_retried(connection)
    for key in retried:
        for _ in range(most):
            async with database.connection() as connection:
                if not await put_back_some(connection, *key, batch_size=2):
                    break


async def check_counters(database: Database, turn: Turn) -> None:
    await Campaign(database, turn.school_id, turn.campaign_id).check_counters()


async def test_who_failed_is_sent_again_and_the_campaign_ends_again(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 7)
    await hand_off(database, turn, SENT, FAILED, SENT, SENT, SENT, FAILED, FAILED)
    for number, kind in ((3, FactKind.BOUNCED), (4, FactKind.COMPLAINED), (5, FactKind.REJECTED)):
        await record(database, school, turn.campaign_id, number, kind)
    await end(database)
    answered = await retry(school, turn)
    assert (answered.status_code, answered.json()["status"]) == (200, "sending")
    assert answered.json()["completed_at"] is None
    await end(database)  # a sweep that comes before anybody is put back does not end it
    await put_back(database)
    assert (await list_batches(database, turn))[1:] == [("due", 2, [2, 6]), ("due", 2, [7])]
    stats = (await read_campaign(school, turn))["stats"]
    assert (stats["queued"], stats["failed"], stats["sent"]) == (3, 1, 4)
    await check_counters(database, turn)
    await hand_off(database, turn, SENT)
    await hand_off(database, turn, FAILED)
    await end(database)
    seen = await read_campaign(school, turn)
    assert (seen["status"], seen["stats"]["sent"], seen["stats"]["failed"]) == ("sent", 6, 2)
    assert seen["completed_at"] is not None
    await check_counters(database, turn)
    assert (await retry(school, turn)).status_code == 200  # of number 7, as often as a person asks


async def test_who_has_left_since_is_taken_out_at_the_claim(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 3)
    await hand_off(database, turn, FAILED)
    await end(database)
    await run_sql(database, "UPDATE users SET marketing = 'unsubscribed' WHERE external_id = 'u1'")
    await run_sql(
        database,
        "INSERT INTO suppressions (school_id, address_key, email, reason, origin)"
        " SELECT school_id, address_key, email, 'bounce', 'ses' FROM recipients WHERE number = 2",
    )
    await run_sql(database, 'UPDATE recipients SET email = NULL, "user" = NULL WHERE number = 3')
    await retry(school, turn)
    await put_back(database)
    assert [await claim(database, turn) for _ in range(3)][2] is None
    stats = (await read_campaign(school, turn))["stats"]
    assert stats["recipients"] == 0
    assert {reason: count for reason, count in stats["excluded"].items() if count} == {
        "unsubscribed": 1,
        "suppressed": 1,
        "erased": 1,
    }


async def test_the_undecided_are_sent_again_only_where_a_person_says_so(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 4)
    await hand_off(database, turn, UNKNOWN, UNKNOWN, UNKNOWN, SENT)
    await end(database)
    seen = await read_campaign(school, turn)
    assert "mail of 3 recipients" in seen["status_reason"]
    refused = await retry(school, turn)
    read_faults(refused, 409)
    assert "include_unknown" in refused.json()["detail"]
    assert (await retry(school, turn, include_unknown=True)).status_code == 200
    await record(database, school, turn.campaign_id, 2, FactKind.SENT)  # proved at the last moment
    await put_back(database)
    assert await list_batches(database, turn) == [("done", 1, [1, 2, 3]), ("due", 2, [1, 3])]
    await check_counters(database, turn)
    await hand_off(database, turn, SENT)
    await end(database)
    seen = await read_campaign(school, turn)
    assert (seen["status"], seen["status_reason"]) == ("sent", None)
    assert (seen["stats"]["sent"], seen["stats"]["unknown"]) == (4, 0)
    read_faults(await retry(school, turn, include_unknown=True), 409)


async def test_what_is_still_waited_for_is_not_decided_by_a_retry(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 4, batch_size=2)
    await hand_off(database, turn, UNKNOWN)
    await hand_off(database, turn, FAILED)
    await school.http.post(f"/v1/campaigns/{turn.campaign_id}/pause")
    resumed = await retry(school, turn, include_unknown=True)
    assert resumed.json()["status"] == "sending"
    await put_back(database)
    assert await list_batches(database, turn) == [
        ("unknown", 1, [1, 2]),
        ("done", 1, [3, 4]),
        ("due", 2, [3, 4]),
    ]


async def test_a_crash_between_two_steps_loses_nobody_and_who_fails_again_is_not_repeated(
    school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "NUMBERS_AT_ONCE", 3)
    monkeypatch.setattr(retrying, "BATCHES_AT_ONCE", 1)
    turn = await open_campaign(database, school, 9, batch_size=2)
    for kinds in ((FAILED,), (FAILED, UNKNOWN), (FAILED,), (UNKNOWN, FAILED), (FAILED,)):
        await hand_off(database, turn, *kinds)
    await end(database)
    await retry(school, turn, include_unknown=True)
    await put_back(database, most=1)
    queued = [
        n for n, each in (await list_recipients(school, turn)).items() if each["delivery_status"] == "queued"
    ]
    assert queued == [1, 2, 3]
    while await claim(database, turn):  # what was put back is in calls, and fails again
        pass
    await run_sql(
        database,
        "UPDATE recipient_outcomes SET status = 'failed', handoff = 'refused' WHERE status = 'queued'",
    )
    await run_sql(database, "UPDATE campaign_counters SET failed_before = failed_before + 3")
    await put_back(database)
    numbers = [n for state, _, batch in await list_batches(database, turn) if state == "due" for n in batch]
    assert sorted(numbers) == [4, 5, 6, 7, 8, 9]
    await check_counters(database, turn)
    async with database.connection() as connection:
        assert await find_retried(connection) == []


async def test_two_steps_at_once_put_nobody_back_twice(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 20)
    await hand_off(database, turn, FAILED)
    await end(database)
    await retry(school, turn)
    await asyncio.gather(*(put_back(database) for _ in range(4)))
    numbers = [n for _, attempt, batch in await list_batches(database, turn) if attempt == 2 for n in batch]
    assert numbers == list(range(1, 21))
    await check_counters(database, turn)


async def test_a_wish_that_comes_while_a_step_is_under_way_is_carried_out_too(
    school: SchoolClient, database: Database
) -> None:
    """Who fails only then is behind the step, which must not take the second wish for its own."""
    turn = await open_campaign(database, school, 2, batch_size=1)
    late = await claim_some(database, turn), await claim_some(database, turn)
    async with database.connection() as connection:
        await write_settlements(connection, [answer(late[0], FAILED)])
    path = f"/v1/campaigns/{turn.campaign_id}/pause"
    assert (await school.http.post(path)).status_code == 200
    assert (await retry(school, turn)).status_code == 200
    async with database.connection() as other:
        hold = text("SELECT FROM recipient_outcomes WHERE campaign_id = :id AND number = 1 FOR UPDATE")
        await other.execute(hold, {"id": turn.campaign_id})
        step = asyncio.create_task(put_back(database, most=1))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        await eventually(lambda: run_sql(database, waiting), lambda rows: rows == [(1,)])
        async with database.connection() as connection:
            await write_settlements(connection, [answer(late[1], FAILED)])
        assert (await school.http.post(path)).status_code == 200
        again = await retry(school, turn)
        assert (again.status_code, again.json()["stats"]["failed"]) == (200, 2)
    await step
    await put_back(database)
    assert [(attempt, numbers) for state, attempt, numbers in await list_batches(database, turn)][2:] == [
        (2, [1]),
        (2, [2]),
    ]
    await check_counters(database, turn)


async def test_two_people_at_once_are_one_retry(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 2)
    await hand_off(database, turn, FAILED)
    await end(database)
    read_faults(await retry(other_school, turn), 404)
    read_faults(await retry(school, turn, include_unkown=True), 422)
    answers = await asyncio.gather(*(retry(school, turn) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]


@pytest.mark.parametrize("status", ["scheduled", "preparing", "sending", "cancelled", "failed"])
async def test_a_campaign_in_another_state_says_which(
    school: SchoolClient, database: Database, status: str
) -> None:
    turn = await open_campaign(database, school, 1)
    await hand_off(database, turn, FAILED)
    await run_sql(database, "UPDATE campaigns SET status = :status", status=status)
    refused = await retry(school, turn)
    read_faults(refused, 409)
    assert refused.json()["campaign_status"] == status


@pytest.mark.parametrize("status", ["sent", "paused"])
async def test_nobody_to_retry_says_so_and_changes_nothing(
    school: SchoolClient, database: Database, status: str
) -> None:
    turn = await open_campaign(database, school, 1)
    await hand_off(database, turn, SENT)
    await run_sql(database, "UPDATE campaigns SET status = :status", status=status)
    refused = await retry(school, turn)
    read_faults(refused, 409)
    assert "nothing to retry" in refused.json()["detail"]
    assert (await read_campaign(school, turn))["status"] == status


async def test_a_worker_does_it_by_itself(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient
) -> None:
    rule = FaultRule(FaultKind.ENTRY_STATUS, address="user3@*", status="MESSAGE_REJECTED", count=1)
    await simulator.add_faults(rule)
    campaign_id = await begin(school, delivery, 5)
    assert (await reach(school, delivery, campaign_id, "sent"))["stats"]["failed"] == 1
    await school.http.post(f"/v1/campaigns/{campaign_id}/retry-failed")
    seen = await reach(school, delivery, campaign_id, "sent")
    assert (seen["stats"]["sent"], seen["stats"]["failed"]) == (5, 0)
    await assert_everybody_has_one(simulator, campaign_id, 5)
