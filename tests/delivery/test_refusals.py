"""A message that SES refuses for everybody stops the campaign, and not everybody's mail one by one."""

import random
from typing import Any

import pytest

from app.core.clock import now
from app.core.db import Database
from app.delivery.claiming import Claim
from app.delivery.fairness import Turn
from app.delivery.jobs import Delivery
from app.delivery.settlement import settle
from app.delivery.settling import MOST_LONE_REFUSALS, write_settlements
from app.mail.types import Outcome, OutcomeKind
from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule
from tests.delivery.campaigns import claim_some, list_batches, open_campaign, read_campaign
from tests.delivery.test_engine import begin, reach
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")
BAD = Outcome(OutcomeKind.FAILED, code="BadRequestException", detail="Template is bad.")
OTHER = Outcome(OutcomeKind.FAILED, code="BadRequestException", detail="Address <a@x> is bad.")
ENTRY = Outcome(OutcomeKind.FAILED, code="MESSAGE_REJECTED", detail="Template is bad.")
SENT = Outcome(OutcomeKind.SENT, message_id="m1")


async def write(database: Database, *answers: tuple[Claim, Outcome]) -> None:
    settlements = [settle(claim, [outcome], at=now(), chance=random.Random(1)) for claim, outcome in answers]
    async with database.connection() as connection:
        await write_settlements(connection, settlements)


async def answer_each(database: Database, turn: Turn, *outcomes: Outcome) -> None:
    """Claim a batch of one for each outcome, and settle it."""
    for outcome in outcomes:
        await write(database, (await claim_some(database, turn), outcome))


async def test_the_third_alone_refused_in_the_same_words_pauses_with_them(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 9, batch_size=1)
    await answer_each(database, turn, BAD, BAD)
    assert (await read_campaign(school, turn))["status"] == "sending"
    await answer_each(database, turn, BAD)
    seen = await read_campaign(school, turn)
    assert (seen["status"], seen["status_reason"]) == ("paused", "SES: Template is bad.")
    assert (seen["stats"]["failed"], seen["stats"]["queued"]) == (3, 6)
    # Who resumes it means it: it goes on until it is refused as often again.
    await school.http.post(f"/v1/campaigns/{turn.campaign_id}/resume")
    await answer_each(database, turn, BAD, BAD)
    assert (await read_campaign(school, turn))["status"] == "sending"
    claims = [await claim_some(database, turn) for _ in range(3)]
    await write(database, *((each, BAD) for each in claims))  # in one commit
    assert (await read_campaign(school, turn))["status"] == "paused"


@pytest.mark.parametrize(
    "outcomes",
    [
        pytest.param([BAD, SENT, BAD, BAD, BAD], id="somebody was accepted"),
        pytest.param([BAD, BAD, OTHER, BAD, BAD], id="in other words"),
        pytest.param([ENTRY, ENTRY, ENTRY, ENTRY], id="not the whole call"),
    ],
)
async def test_what_may_be_the_recipients_fault_pauses_nothing(
    school: SchoolClient, database: Database, outcomes: list[Outcome]
) -> None:
    turn = await open_campaign(database, school, len(outcomes) + 1, batch_size=1)
    await answer_each(database, turn, *outcomes)
    assert (await read_campaign(school, turn))["status"] == "sending"


async def test_where_nobody_is_left_there_is_nothing_to_pause(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, MOST_LONE_REFUSALS, batch_size=1)
    await answer_each(database, turn, *[BAD] * MOST_LONE_REFUSALS)
    assert (await read_campaign(school, turn))["status"] == "sending"


async def test_halves_of_a_refused_call_go_before_the_rest(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 8, batch_size=4)
    claimed = await claim_some(database, turn)
    split = [Outcome(OutcomeKind.SPLIT)] * 4
    async with database.connection() as connection:
        await write_settlements(connection, [settle(claimed, split, at=now(), chance=random.Random(1))])
    order = [[each.number for each in (await claim_some(database, turn)).addressees] for _ in range(3)]
    assert order == [[1, 2], [3, 4], [5, 6, 7, 8]]
    assert len(await list_batches(database, turn)) == 4


async def test_a_bad_template_costs_few_calls_and_few_failures(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, database: Database
) -> None:
    rule = FaultRule(FaultKind.BAD_REQUEST_FOR_ADDRESS, match="SendBulkEmail")
    await simulator.add_faults(rule)
    campaign_id = await begin(school, delivery, 400)
    seen: Any = await reach(school, delivery, campaign_id, "paused")
    assert seen["status_reason"] == "SES: Invalid email address."
    assert 3 <= seen["stats"]["failed"] < 50
    await simulator.clear_faults()
    assert (await school.http.post(f"/v1/campaigns/{campaign_id}/retry-failed")).status_code == 200
    seen = await reach(school, delivery, campaign_id, "sent")
    assert (seen["stats"]["sent"], seen["stats"]["failed"]) == (400, 0)
    totals = (await simulator.get_ledger(campaign_id)).totals
    assert (totals.accepted, totals.recipients, totals.duplicates) == (400, 400, 0)
