"""Any facts, in any order, repeated, split into any transactions, told by two at once: the same tables."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.core.db import Database
from app.recipients.facts import Fact, FactKind
from app.recipients.record import make_recorder
from app.recipients.rows import hold_recipients
from tests.recipients.campaign import Campaign, make_campaign
from tests.recipients.naive import add_up, tell_why, work_out
from tests.recipients.stories import LINKS, MOST_TOLD, PEOPLE, Happening, make_fact, told
from tests.waiting import eventually

examples = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def check(campaign: Campaign, facts: list[Fact]) -> None:
    """Assert that the tables say what the set of these facts comes to."""
    expected = {
        number: work_out((fact for fact in facts if fact.recipient.number == number), links=LINKS)
        for number in range(1, PEOPLE + 1)
    }
    rows = await campaign.rows()
    assert {number: _like(rows[number], expected[number]) for number in rows} == expected
    counters = await campaign.counters()
    model = add_up(expected.values())
    assert _like(counters, model) == model
    await campaign.check_counters()
    history = {
        (event["number"], event["key"]): (event["kind"], event["machine"])
        for event in await campaign.history()
    }
    assert history == {
        (fact.recipient.number, fact.key): (fact.note or fact.kind.value, _tell_why(fact, facts))
        for fact in facts
        if fact.key is not None
    }


def _tell_why(fact: Fact, facts: list[Fact]) -> str | None:
    theirs = {each for each in facts if each.recipient == fact.recipient}
    return tell_why(fact, theirs, LINKS)


def _like(row: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in model}


def _say(campaign: Campaign, happenings: list[Happening]) -> list[Fact]:
    return [make_fact(place, each, campaign.key(each[0])) for place, each in enumerate(happenings)]


@examples
@given(told())
async def test_one_after_the_other(
    database: Database, story: tuple[list[Happening], list[list[int]]]
) -> None:
    happenings, transactions = story
    campaign = await make_campaign(database, recipients=PEOPLE, links=LINKS)
    facts = _say(campaign, happenings)
    for transaction in transactions:
        await campaign.record(*(facts[place] for place in transaction))
        await campaign.check_counters()
    await check(campaign, facts)


@examples
@given(told(), st.lists(st.sampled_from([(0,), (1,), (0, 1)]), min_size=MOST_TOLD, max_size=MOST_TOLD))
async def test_two_at_the_same_time(
    database: Database, story: tuple[list[Happening], list[list[int]]], told_to: list[tuple[int, ...]]
) -> None:
    happenings, transactions = story
    campaign = await make_campaign(database, recipients=PEOPLE, links=LINKS)
    facts = _say(campaign, happenings)
    recorders = [make_recorder(database), make_recorder(database)]
    places = [place for transaction in transactions for place in transaction]
    submissions = [
        recorders[ear].submit(facts[place])
        for place, ears in zip(places, told_to, strict=False)
        for ear in ears
    ]
    await asyncio.gather(*submissions)
    await check(campaign, facts)


async def test_opposite_orders_at_the_same_time(database: Database) -> None:
    """Three writers, each all of three campaigns in an order of its own, again and again."""
    campaigns = [await make_campaign(database, recipients=PEOPLE, links=LINKS) for _ in range(3)]
    facts = [
        make_fact(place, happening, campaign.key(number))
        for campaign in campaigns
        for number in range(1, PEOPLE + 1)
        for place, happening in enumerate(_one_of_each(number))
    ]

    async def tell(order: list[Fact]) -> None:
        for _ in range(8):
            await campaigns[0].record(*order)

    await asyncio.gather(tell(facts), tell(facts[::-1]), tell(facts[1::2] + facts[::2]))
    for campaign in campaigns:
        await check(campaign, [fact for fact in facts if fact.recipient.campaign_id == campaign.id])


async def test_overlapping_recipients_in_opposite_orders_never_deadlock(database: Database) -> None:
    """Each writer is held up at the middle recipient, where it would have half of what the other needs."""
    campaign = await make_campaign(database, recipients=5000)
    facts = [campaign.fact(FactKind.DELIVERED, number=number) for number in range(100, 4901, 300)]
    middle = facts[len(facts) // 2].recipient.number
    async with database.connection() as connection:
        # With many rows, and known to be many, they are fetched one by one in the order asked for.
        await connection.execute(text("ANALYZE recipients"))
    async with database.connection() as holding:
        await hold_recipients(holding, [campaign.key(middle)])
        # No second try here: a deadlock fails the test.
        writers = [asyncio.create_task(campaign.record(*order)) for order in (facts, facts[::-1])]
        await eventually(lambda: _count_waiting(database), lambda waiting: waiting >= len(writers))
    await asyncio.gather(*writers)
    assert (await campaign.counters())["delivered"] == len(facts)


async def _count_waiting(database: Database) -> int:
    """Count the sessions of this database that wait for a lock."""
    waiting = "wait_event_type = 'Lock' AND datname = current_database()"
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}"  # noqa: S608  # names of ours
    async with database.connection() as connection:
        waiting_now: int = (await connection.execute(text(query))).scalar_one()
        return waiting_now


def _one_of_each(number: int) -> list[Happening]:
    return [(number, kind, 1, 1, None, None, None, None, False, 1) for kind in FactKind]
