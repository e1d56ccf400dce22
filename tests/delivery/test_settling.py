"""Settling: what came of a call is written once, by whoever still holds the claim."""

import asyncio
import random
from collections.abc import Sequence
from uuid import uuid4

import pytest

from app.core.clock import now
from app.core.db import Database
from app.delivery.claiming import Claim
from app.delivery.settlement import Settlement, put_back, settle
from app.delivery.settling import write_settlements
from app.delivery.sweeps import expire_leases
from app.mail.types import Outcome, OutcomeKind
from tests.delivery.campaigns import (
    claim,
    claim_some,
    end_leases,
    list_batches,
    list_recipients,
    open_campaign,
    read_campaign,
)
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


def answer(claim: Claim, *kinds: OutcomeKind) -> Settlement:
    """Settle the claim, a kind for each addressee (the last for the rest)."""
    rest = [kinds[-1]] * (len(claim.addressees) - len(kinds))
    outcomes = [
        Outcome(kind, message_id=str(uuid4()), code="CODE", detail="In words") for kind in (*kinds, *rest)
    ]
    return settle(claim, outcomes, at=now(), chance=random.Random(1))


async def write(database: Database, settlements: Sequence[Settlement]) -> None:
    async with database.connection() as connection:
        await write_settlements(connection, settlements)


async def expire(database: Database) -> None:
    await end_leases(database)
    async with database.connection() as connection:
        await expire_leases(connection)


async def test_each_recipient_gets_the_outcome_of_their_own(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 4)
    claimed = await claim_some(database, turn)
    kinds = [OutcomeKind.SENT, OutcomeKind.FAILED, OutcomeKind.UNKNOWN, OutcomeKind.SPLIT]
    await write(database, [answer(claimed, *kinds)])
    seen = await list_recipients(school, turn)
    assert [seen[n]["delivery_status"] for n in (1, 2, 3, 4)] == ["accepted", "failed", "unknown", "queued"]
    assert seen[2]["diagnostic"] == "In words"
    assert await list_batches(database, turn) == [("unknown", 1, [3]), ("due", 1, [4])]
    stats = (await read_campaign(school, turn))["stats"]
    assert (stats["sent"], stats["failed"], stats["unknown"], stats["queued"]) == (1, 1, 1, 1)


async def test_a_lost_claim_adds_only_proof_of_acceptance(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 4)
    claimed = await claim_some(database, turn)
    await expire(database)
    kinds = [OutcomeKind.SENT, OutcomeKind.FAILED, OutcomeKind.RETRY, OutcomeKind.HALT]
    await write(database, [answer(claimed, *kinds)])
    seen = await list_recipients(school, turn)
    statuses = [seen[n]["delivery_status"] for n in (1, 2, 3, 4)]
    assert statuses == ["accepted", "unknown", "unknown", "unknown"]
    assert [state for state, _, _ in await list_batches(database, turn)] == ["unknown"]
    assert (await read_campaign(school, turn))["status"] == "sending"


async def test_a_settlement_written_twice_changes_nothing_the_second_time(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 3)
    settlement = answer(await claim_some(database, turn), OutcomeKind.SENT, OutcomeKind.RETRY)
    await write(database, [settlement])
    before = (await list_batches(database, turn), await read_campaign(school, turn))
    await write(database, [settlement])
    assert (await list_batches(database, turn), await read_campaign(school, turn)) == before


async def test_a_lost_claim_puts_nobody_back(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 2)
    claimed = await claim_some(database, turn)
    await expire(database)
    await write(database, [put_back(claimed)])
    assert [state for state, _, _ in await list_batches(database, turn)] == ["unknown"]
    assert await claim(database, turn) is None


async def test_what_was_put_back_is_claimed_again_and_proof_takes_it_out(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 2)
    claimed = await claim_some(database, turn)
    await write(database, [put_back(claimed)])
    again = await claim_some(database, turn)
    assert again.addressees == claimed.addressees
    assert again.batch != claimed.batch
    await write(database, [answer(again, OutcomeKind.RETRY, OutcomeKind.SENT)])
    assert [n for _, _, n in await list_batches(database, turn)] == [[1, 2], [1, 2], [1]]


async def test_a_halt_pauses_once_keeps_everybody_and_resuming_clears_the_reason(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 16, batch_size=1)
    claims = [await claim_some(database, turn) for _ in range(16)]
    await asyncio.gather(*(write(database, [answer(each, OutcomeKind.HALT)]) for each in claims))
    paused = await read_campaign(school, turn)
    assert (paused["status"], paused["status_reason"]) == ("paused", "SES: In words")
    assert paused["stats"]["queued"] == 16
    assert await claim(database, turn) is None
    answered = await school.http.post(f"/v1/campaigns/{turn.campaign_id}/resume")
    assert (answered.json()["status"], answered.json()["status_reason"]) == ("sending", None)
    assert await claim(database, turn) is not None


async def test_a_halt_does_not_revive_a_cancelled_campaign(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 1)
    claimed = await claim_some(database, turn)
    await school.http.post(f"/v1/campaigns/{turn.campaign_id}/cancel")
    await write(database, [answer(claimed, OutcomeKind.HALT)])
    assert (await read_campaign(school, turn))["status"] == "cancelled"


async def test_two_workers_that_settle_the_same_campaigns_crosswise_both_get_through(
    school: SchoolClient, database: Database
) -> None:
    turns = [await open_campaign(database, school, 10, batch_size=1) for _ in range(2)]
    claims = [await claim_some(database, turns[n % 2]) for n in range(20)]
    settlements = [
        answer(each, OutcomeKind.HALT if n > 15 else OutcomeKind.SENT) for n, each in enumerate(claims)
    ]
    half = [settlements[0::4] + settlements[1::4], settlements[3::4] + settlements[2::4]]
    await asyncio.gather(*(write(database, part) for part in half))
    for turn in turns:
        seen = await read_campaign(school, turn)
        assert (seen["status"], seen["stats"]["sent"], seen["stats"]["queued"]) == ("paused", 8, 2)
