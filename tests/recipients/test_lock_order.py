"""Everybody locks recipients in the order of their keys, then counters in that of their campaigns.

So nobody waits for one who waits for them; each test would end in a deadlock otherwise.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import Database
from app.recipients.acceptances import record_acceptances
from app.recipients.exclude import count_excluded, exclude_recipients
from app.recipients.facts import Fact, FactKind
from app.recipients.record import record_facts
from app.recipients.rows import hold_recipients
from tests.recipients.campaign import Campaign, event_key, make_campaign, second
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")

Step = Callable[[AsyncConnection], Awaitable[object]]


def _accept(campaign: Campaign, number: int) -> Fact:
    return Fact(campaign.key(number), FactKind.ACCEPTED, second(1), message_id=f"m{number}")


async def _overtake(campaign: Campaign) -> None:
    """Let SES's Send event of the first recipient come before its answer to the call is recorded."""
    await campaign.record(
        Fact(
            campaign.key(1),
            FactKind.SENT,
            second(0),
            key=event_key(1),
            message_id="m1",
            mailed_at=second(0),
        )
    )


async def _settle_between(database: Database, facts: list[Fact], *, first: Step, then: Step) -> None:
    """Record acceptances while another transaction holds `first` and goes on with `then`."""

    async def settle() -> None:
        async with database.keyed_connection() as connection:
            await record_acceptances(connection, facts)

    async with database.keyed_connection() as other:
        await first(other)
        settling = asyncio.create_task(settle())
        await eventually(lambda: count_waiting(database), lambda waiting: waiting == 1)
        await then(other)
    await settling


async def count_waiting(database: Database) -> int:
    async with database.connection() as connection:
        waiting = await connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        return int(waiting or 0)


async def test_a_settlement_locks_those_who_were_overtaken_in_their_place(database: Database) -> None:
    campaign = await make_campaign(database, recipients=2)
    await _overtake(campaign)
    await _settle_between(
        database,
        [_accept(campaign, 1), _accept(campaign, 2)],
        first=lambda other: hold_recipients(other, [campaign.key(1)]),
        then=lambda other: hold_recipients(other, [campaign.key(2)]),
    )
    assert await campaign.statuses() == ["accepted", "accepted"]
    await campaign.check_counters()


async def test_a_settlement_of_two_campaigns_adds_to_each_of_their_counters_once(database: Database) -> None:
    made = [await make_campaign(database, recipients=2) for _ in range(2)]
    early, late = sorted(made, key=lambda campaign: campaign.key(1).order())
    await _overtake(late)

    def hold(campaign: Campaign) -> Step:
        query = text("SELECT FROM campaign_counters WHERE campaign_id = :campaign FOR UPDATE")
        return lambda other: other.execute(query, {"campaign": campaign.id})

    await _settle_between(database, [_accept(early, 1), _accept(late, 1)], first=hold(early), then=hold(late))
    for campaign in made:
        assert await campaign.statuses() == ["accepted", "queued"]
        await campaign.check_counters()


async def test_who_is_taken_out_is_counted_last(database: Database) -> None:
    """A claim of several campaigns would hold one's counters else while it waits for people of the next."""
    made = [await make_campaign(database, recipients=2) for _ in range(2)]
    early, late = sorted(made, key=lambda campaign: campaign.key(1).order())
    excluded = {}
    async with database.keyed_connection() as claiming:
        for campaign in (early, late):
            key = campaign.school_id, campaign.id
            excluded[key] = await exclude_recipients(claiming, *key, reasons={1: "suppressed"})
            if campaign is early:
                async with asyncio.timeout(10), database.keyed_connection() as hearing:
                    await record_facts(hearing, [_accept(early, 2), _accept(late, 1)])
        await count_excluded(claiming, excluded)
    assert [await campaign.statuses() for campaign in (early, late)] == [["accepted"], ["accepted", "queued"]]
    for campaign in made:
        await campaign.check_counters()
