"""What is plain is merged by PostgreSQL itself, and comes to the same as by the general way."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.db import Database
from app.recipients import record
from app.recipients.facts import Fact, FactKind
from app.recipients.plain import Plain, record_plain
from app.recipients.rows import hold_recipients
from tests.recipients.campaign import Campaign, event_key, make_campaign, second
from tests.recipients.stories import HAPPENINGS, LINKS, PEOPLE, Happening, make_fact

SHOWN = {"campaign_id", "school_id", "heard_at", "recorded_at", "user"}
VISITS = (FactKind.OPENED, FactKind.CLICKED)
MAILED = 5
PLAIN_KINDS = st.sampled_from([*VISITS, FactKind.DELIVERED, FactKind.SENT])
LONE: st.SearchStrategy[Happening] = st.tuples(
    st.integers(1, PEOPLE),
    PLAIN_KINDS,
    st.sampled_from([0, 5, 8, 9, 700, 1300]),
    st.just(1),
    st.sampled_from(["l1", "m1", "m1", "m2", None, None]),
    st.sampled_from([None, None, 4, 5, 6]),
    st.none(),
    st.sampled_from([None, "a"]),
    st.booleans(),
    st.integers(0, LINKS),
)


@contextmanager
def only_generally() -> Iterator[None]:
    """Leave everything to the general way."""

    async def leave(*_: Any, held: bool) -> Plain | None:
        return Plain() if held else None

    with patch.object(record, "record_plain", leave):
        yield


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(HAPPENINGS, max_size=3),
    st.lists(st.lists(LONE, min_size=1, max_size=4), min_size=1, max_size=3),
    st.booleans(),
)
async def test_both_ways_come_to_the_same(
    database: Database, before: list[Happening], batches: list[list[Happening]], again: bool
) -> None:
    tables = []
    for generally in (True, False):
        campaign = await make_campaign(database, recipients=PEOPLE, links=LINKS)
        await accept(campaign)
        await campaign.record(*_say(campaign, before, 100))
        recorded = []
        for _ in range(1 + again):
            for place, batch in enumerate(batches):
                facts = _say(campaign, batch, 200 + 10 * place)
                if generally:
                    with only_generally():
                        recorded.append(await campaign.record(*facts))
                else:
                    recorded.append(await campaign.record(*facts))
        await campaign.check_counters()
        rows = {
            number: {name: value for name, value in row.items() if name not in SHOWN}
            for number, row in (await campaign.rows()).items()
        }
        history = [
            {name: value for name, value in event.items() if name not in SHOWN}
            for event in await campaign.history()
        ]
        tables.append((rows, await campaign.counters(), history, recorded))
    assert tables[0] == tables[1]


async def accept(campaign: Campaign) -> None:
    """Let SES have taken the mail of everybody."""
    numbers = range(1, PEOPLE + 1)
    await campaign.record(
        *(
            Fact(campaign.key(number), FactKind.ACCEPTED, second(MAILED), message_id="m1")
            for number in numbers
        )
    )


def _say(campaign: Campaign, happenings: list[Happening], first: int) -> list[Fact]:
    return [make_fact(first + n, each, campaign.key(each[0])) for n, each in enumerate(happenings)]


async def record_only_plain(campaign: Campaign, *facts: Fact) -> Plain:
    """Record what is plain, each fact being of another recipient, and nothing else."""
    async with campaign.database.connection() as connection:
        told = [[fact] for fact in facts]
        plain = await record_plain(connection, told, held=False)
        if plain is None:
            await hold_recipients(connection, [fact.recipient for fact in facts])
            plain = await record_plain(connection, told, held=True)
    assert plain is not None
    return plain


def tell(campaign: Campaign, kind: FactKind, *, at: int = 60, number: int = 1, **more: Any) -> Fact:
    """Say what happened to a recipient, so many seconds after nine, under a key of its own."""
    given = {"key": event_key(1000 + number), "message_id": None if kind in VISITS else "m1"}
    return Fact(campaign.key(number), kind, second(at), **(given | more))


@pytest.mark.parametrize(
    ("kind", "machine"),
    [
        (FactKind.OPENED, None),
        (FactKind.OPENED, "bot"),
        (FactKind.CLICKED, None),
        (FactKind.CLICKED, "bot"),
        (FactKind.DELIVERED, None),
        (FactKind.SENT, None),
    ],
)
async def test_the_first_of_its_kind_is_plain(
    database: Database, kind: FactKind, machine: str | None
) -> None:
    campaign = await make_campaign(database, recipients=PEOPLE)
    await accept(campaign)
    facts = [tell(campaign, kind, number=number, machine=machine) for number in range(1, PEOPLE + 1)]
    plain = await record_only_plain(campaign, *facts)
    assert plain.done == {fact.key: fact for fact in facts}
    assert plain.fresh == set(plain.done)
    assert [event["key"] for event in await campaign.history()] == sorted(plain.done)


async def test_a_machine_and_a_delivery_before_leave_a_first_click_plain(database: Database) -> None:
    campaign = await make_campaign(database, recipients=PEOPLE)
    await accept(campaign)
    await campaign.record(
        tell(campaign, FactKind.DELIVERED, at=6),
        tell(campaign, FactKind.OPENED, at=8, machine="bot", key=event_key(1)),
    )
    assert (await record_only_plain(campaign, tell(campaign, FactKind.CLICKED, at=10, key=event_key(2)))).done


@pytest.mark.parametrize(
    ("before", "fact"),
    [
        ([], {"kind": FactKind.OPENED, "at": MAILED - 1}),
        ([], {"kind": FactKind.DELIVERED, "message_id": "m2"}),
        ([], {"kind": FactKind.SENT, "message_id": None}),
        ([], {"kind": FactKind.CLICKED, "machine": "every_link"}),
        ([], {"kind": FactKind.OPENED, "message_id": "a"}),
        ([], {"kind": FactKind.CLICKED, "at": MAILED + 1, "mailed_at": second(MAILED - 1)}),
        ([], {"kind": FactKind.DELIVERED, "machine": "bot"}),
        ([], {"kind": FactKind.BOUNCED}),
        ([], {"kind": FactKind.OPENED, "key": None}),
        ([{"kind": FactKind.CLICKED}], {"kind": FactKind.CLICKED}),
        ([{"kind": FactKind.CLICKED, "machine": "bot"}], {"kind": FactKind.CLICKED}),
        ([{"kind": FactKind.CLICKED}], {"kind": FactKind.DELIVERED}),
        ([{"kind": FactKind.DELIVERED, "at": 58}], {"kind": FactKind.CLICKED}),
        ([{"kind": FactKind.DELIVERED}], {"kind": FactKind.DELIVERED}),
        ([{"kind": FactKind.BOUNCED}], {"kind": FactKind.DELIVERED}),
        ([{"kind": FactKind.NOTED, "machine": "provider", "note": "ses_open"}], {"kind": FactKind.OPENED}),
    ],
)
async def test_what_depends_on_more_is_not_plain(
    database: Database, before: list[dict[str, Any]], fact: dict[str, Any]
) -> None:
    campaign = await make_campaign(database, recipients=PEOPLE, links=LINKS)
    await accept(campaign)
    await campaign.record(*(tell(campaign, key=event_key(1), **each) for each in before))
    rows, history = await campaign.rows(), await campaign.history()
    assert await record_only_plain(campaign, tell(campaign, **fact)) == Plain()
    assert (await campaign.rows(), await campaign.history()) == (rows, history)


async def test_whom_nothing_is_known_of_and_who_is_erased_are_not_plain(database: Database) -> None:
    campaign = await make_campaign(database, recipients=PEOPLE)
    assert not (await record_only_plain(campaign, tell(campaign, FactKind.OPENED))).done
    assert not (await record_only_plain(campaign, tell(campaign, FactKind.OPENED, number=99))).done


async def test_a_visit_that_is_known_already_is_not_plain(database: Database) -> None:
    campaign = await make_campaign(database, recipients=PEOPLE)
    await accept(campaign)
    fact = tell(campaign, FactKind.OPENED)
    await campaign.record(fact)
    assert not (await record_only_plain(campaign, fact)).done
    assert (await campaign.counters())["opens"] == 1


async def test_a_batch_of_many_campaigns_is_counted_by_each(database: Database) -> None:
    campaigns = [await make_campaign(database, recipients=PEOPLE) for _ in range(3)]
    for campaign in campaigns:
        await accept(campaign)
    facts = [
        tell(campaign, kind, number=number, key=event_key(10 * place + number))
        for place, campaign in enumerate(campaigns)
        for number, kind in enumerate((FactKind.OPENED, FactKind.CLICKED, FactKind.DELIVERED), 1)
    ]
    await campaigns[0].record(*facts)
    for campaign in campaigns:
        counters = await campaign.counters()
        assert {name: counters[name] for name in ("opens", "clicks", "delivered", "opened_by_click")} == {
            "opens": 1,
            "clicks": 1,
            "delivered": 1,
            "opened_by_click": 1,
        }
        await campaign.check_counters()
