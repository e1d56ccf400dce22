"""Taking people out before their turn: recipients fall by one, exclusions rise by one, once."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import Database
from app.recipients.acceptances import record_acceptances
from app.recipients.exclude import count_excluded, exclude_recipients
from app.recipients.facts import FactKind as K
from tests.recipients.campaign import Campaign, event_key, make_campaign
from tests.recipients.test_freeze import read_exclusions
from tests.recipients.test_lock_order import count_waiting
from tests.school import SchoolClient
from tests.waiting import eventually


async def exclude_some(connection: AsyncConnection, campaign: Campaign, reasons: dict[int, str]) -> None:
    """Take these out, and count it."""
    key = campaign.school_id, campaign.id
    await count_excluded(connection, {key: await exclude_recipients(connection, *key, reasons=reasons)})


async def exclude(campaign: Campaign, **reasons: str) -> None:
    async with campaign.database.connection() as connection:
        numbers = {int(name.removeprefix("number")): reason for name, reason in reasons.items()}
        await exclude_some(connection, campaign, numbers)


async def test_the_queued_move_with_their_reason(database: Database) -> None:
    campaign = await make_campaign(database, recipients=4)
    await exclude(campaign, number2="suppressed", number3="unsubscribed", number4="unsubscribed")
    assert list(await campaign.rows()) == [1]
    assert await read_exclusions(campaign) == [
        (2, "u2", "u2@x.example", "U", "suppressed"),
        (3, "u3", "u3@x.example", "U", "unsubscribed"),
        (4, "u4", "u4@x.example", "U", "unsubscribed"),
    ]
    counters = await campaign.counters()
    assert (counters["recipients"], counters["suppressed_excluded"], counters["unsubscribed_excluded"]) == (
        1,
        1,
        2,
    )
    await campaign.check_counters()


async def test_who_was_handed_off_or_may_have_been_stays(database: Database) -> None:
    campaign = await make_campaign(database, recipients=3)
    await campaign.record(campaign.fact(K.ACCEPTED, number=1), campaign.fact(K.UNKNOWN, number=2))
    await exclude(campaign, number1="suppressed", number2="suppressed", number3="suppressed")
    assert await campaign.statuses() == ["accepted", "unknown"]
    counters = await campaign.counters()
    assert (counters["recipients"], counters["suppressed_excluded"]) == (2, 1)
    await campaign.check_counters()


async def test_once_is_enough_and_other_campaigns_are_left_alone(database: Database) -> None:
    campaign = await make_campaign(database, recipients=2)
    other = await make_campaign(database, recipients=2, school_id=campaign.school_id)
    for _ in range(2):
        await exclude(campaign, number1="unsubscribed", number99="unsubscribed")
    assert (await campaign.counters())["unsubscribed_excluded"] == 1
    assert len(await other.rows()) == 2
    assert (await other.counters())["recipients"] == 2


@pytest.mark.parametrize("is_short", [True, False])
async def test_what_comes_while_somebody_is_taken_out_leaves_nothing_behind(
    database: Database, is_short: bool
) -> None:
    """The word waits for them, finds that they are no recipient any more, and counts nothing."""
    campaign = await make_campaign(database, recipients=2)
    fact = campaign.fact(K.ACCEPTED, number=2, message_id="m2")

    async def hear() -> None:
        if is_short:
            async with database.connection() as connection:
                await record_acceptances(connection, [campaign.fact(K.ACCEPTED, number=1), fact])
        else:
            assert (await campaign.record(fact)).missing == (fact,)

    async with database.connection() as connection:
        await exclude_some(connection, campaign, {2: "suppressed"})
        hearing = asyncio.create_task(hear())
        await eventually(lambda: count_waiting(database), lambda waiting: waiting == 1)
    await hearing
    assert (await campaign.counters())["sent"] == is_short
    assert await campaign.count_outcomes() == is_short
    await campaign.check_counters()


async def test_who_left_after_a_doubtful_hand_off_stays_a_recipient(database: Database) -> None:
    """They had the mail, or they could not have left by it: sending again must not take them out."""
    campaign = await make_campaign(database)
    await campaign.record(
        campaign.fact(K.UNKNOWN),
        campaign.fact(K.UNSUBSCRIBED, at=1, key=event_key(1)),
        campaign.fact(K.REQUEUED, at=2, attempt=2),
    )
    await exclude(campaign, number1="unsubscribed")
    assert await campaign.statuses() == ["accepted"]
    counters = await campaign.counters()
    assert (counters["recipients"], counters["unsubscribed"], counters["unsubscribed_excluded"]) == (1, 1, 0)
    await campaign.check_counters()


async def test_who_is_erased_while_taken_out_leaves_nothing_behind(
    database: Database, school: SchoolClient
) -> None:
    """An outcome without a recipient would take another's place on a page of the report."""
    await school.push("users", {"external_id": "u1", "email": "u1@x.example"})
    campaign = await make_campaign(database, school_id=school.id)
    async with database.connection() as connection:
        await exclude_some(connection, campaign, {1: "suppressed"})
        erasing = asyncio.create_task(school.http.delete("/v1/directory/users/u1"))
        await eventually(lambda: count_waiting(database), lambda waiting: waiting == 1)
    assert (await erasing).status_code == 204
    assert await campaign.count_outcomes() == 0
    assert await read_exclusions(campaign) == [(1, None, None, "", "suppressed")]
