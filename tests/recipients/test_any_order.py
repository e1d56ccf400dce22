"""Any facts, in any order, repeated, split into any transactions, told by two at once: the same tables."""

import asyncio
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.db import Database
from app.recipients.facts import Fact, FactKind
from app.recipients.record import make_recorder
from tests.recipients.campaign import Campaign, make_campaign
from tests.recipients.naive import add_up, work_out
from tests.recipients.stories import PEOPLE, Happening, make_fact, told

examples = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def check(campaign: Campaign, facts: list[Fact]) -> None:
    """Assert that the tables say what the set of these facts comes to."""
    expected = {
        number: work_out(fact for fact in facts if fact.recipient.number == number)
        for number in range(1, PEOPLE + 1)
    }
    rows = await campaign.rows()
    assert {number: _like(rows[number], expected[number]) for number in rows} == expected
    counters = await campaign.counters()
    model = add_up(expected.values())
    assert _like(counters, model) == model
    await campaign.check_counters()
    history = [(event["number"], event["key"], event["kind"]) for event in await campaign.history()]
    assert sorted(history) == sorted(
        {(fact.recipient.number, fact.key, fact.kind.value) for fact in facts if fact.key is not None}
    )


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
    campaign = await make_campaign(database, recipients=PEOPLE)
    facts = _say(campaign, happenings)
    for transaction in transactions:
        await campaign.record(*(facts[place] for place in transaction))
        await campaign.check_counters()
    await check(campaign, facts)


@examples
@given(told(), st.randoms(use_true_random=False))
async def test_two_at_the_same_time(
    database: Database, story: tuple[list[Happening], list[list[int]]], random: Any
) -> None:
    happenings, transactions = story
    campaign = await make_campaign(database, recipients=PEOPLE)
    facts = _say(campaign, happenings)
    recorders = [make_recorder(database), make_recorder(database)]
    places = [place for transaction in transactions for place in transaction]
    # Both hear some of everything; each event reaches at least one of them.
    heard = [(random.choice(recorders), place) for place in places]
    heard += [(random.choice(recorders), place) for place in places if random.random() < 0.5]
    await asyncio.gather(*(recorder.submit(facts[place]) for recorder, place in heard))
    await check(campaign, facts)


async def test_overlapping_recipients_in_opposite_orders_never_deadlock(database: Database) -> None:
    """Two writers, each all three campaigns, one forwards and one backwards, again and again."""
    campaigns = [await make_campaign(database, recipients=PEOPLE) for _ in range(3)]
    facts = [
        make_fact(place, happening, campaign.key(number))
        for campaign in campaigns
        for number in range(1, PEOPLE + 1)
        for place, happening in enumerate(_one_of_each(number))
    ]

    async def tell(order: list[Fact], times: int) -> None:
        for _ in range(times):
            await campaigns[0].record(*order)  # no second try here: a deadlock would fail the test

    await asyncio.gather(tell(facts, 8), tell(facts[::-1], 8), tell(facts[1::2] + facts[::2], 8))
    for campaign in campaigns:
        mine = [fact for fact in facts if fact.recipient.campaign_id == campaign.id]
        await check(campaign, mine)


def _one_of_each(number: int) -> list[Happening]:
    return [(number, kind, 1, 1, None, None, None, None, False) for kind in FactKind]
