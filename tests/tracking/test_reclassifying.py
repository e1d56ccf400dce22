"""Today's rules over kept events: history, rows and counters follow, and cut short it goes on."""

from contextlib import aclosing
from typing import Any
from uuid import UUID

import pytest

from app.core.db import Database
from app.core.ids import new_id
from app.recipients.facts import FactKind
from app.tracking import reclassifying
from app.tracking.reclassifying import Choice, reclassify
from tests.recipients.campaign import Campaign, event_key, make_campaign, minute
from tests.tracking.mailing import FIREFOX

CURL, GMAIL = "curl/8.5.0", "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"
# As an earlier release may have left them: kind, minute, what it thought, agent, and what is thought today.
KEPT: list[tuple[FactKind, int, str | None, str | None, str | None]] = [
    (FactKind.CLICKED, 1, None, CURL, "known_agent"),
    (FactKind.CLICKED, 2, "known_agent", FIREFOX, None),
    (FactKind.CLICKED, 3, "head", FIREFOX, "head"),
    (FactKind.CLICKED, 4, "network", FIREFOX, "network"),
    (FactKind.CLICKED, 5, "known_agent", None, "known_agent"),
    (FactKind.OPENED, 7, "bare_agent", GMAIL, None),
    (FactKind.OPENED, 8, None, "Mozilla/5.0", "prefetch"),
]


async def _make_kept(database: Database, *, recipients: int = 1) -> Campaign:
    campaign = await make_campaign(database, recipients=recipients, links=2)
    await campaign.record(
        *(
            campaign.fact(kind, number=n, at=at, key=event_key(at), machine=machine, agent=agent, link=1)
            for n in range(1, recipients + 1)
            for kind, at, machine, agent, _ in KEPT
        )
    )
    return campaign


async def _see(campaign: Campaign) -> tuple[Any, ...]:
    return await campaign.rows(), await campaign.counters(), await campaign.history()


async def _run(database: Database, choice: Choice) -> tuple[int, int]:
    last = None
    async for last in reclassify(database, choice):
        assert last.passed <= last.total
    assert last is not None
    assert last.passed == last.total
    return last.total, last.changed


async def test_every_event_is_what_todays_rules_make_of_it(database: Database) -> None:
    campaign = await _make_kept(database)
    other = await _make_kept(database)
    before = await _see(other)
    assert await _run(database, Choice(campaign_id=campaign.id)) == (1, 1)
    assert [event["machine"] for event in await campaign.history()] == [today for *_, today in KEPT]
    (row,) = (await campaign.rows()).values()
    assert (row["click_count"], row["machine_click_count"]) == (1, 4)
    assert (row["open_count"], row["machine_open_count"]) == (1, 1)
    assert row["first_clicked_at"] == row["last_clicked_at"] == minute(2)
    await campaign.check_counters()
    assert await _see(other) == before
    once = await _see(campaign)
    assert await _run(database, Choice(school_id=campaign.school_id)) == (1, 0)
    assert await _see(campaign) == once


async def test_cut_short_it_goes_on_the_next_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reclassifying, "MOST_AT_ONCE", 1)
    campaign = await _make_kept(database, recipients=3)
    choice = Choice(campaign_id=campaign.id)
    async with aclosing(reclassify(database, choice)) as steps:
        async for step in steps:
            await campaign.check_counters()
            if step.changed:
                break
    assert [row["first_clicked_at"] for row in (await campaign.rows()).values()].count(minute(2)) == 1
    assert (await _run(database, choice))[1] == 2
    assert {row["first_clicked_at"] for row in (await campaign.rows()).values()} == {minute(2)}
    await campaign.check_counters()


async def test_nothing_chosen_is_no_error(database: Database) -> None:
    assert await _run(database, Choice(school_id=UUID(str(new_id())))) == (0, 0)
