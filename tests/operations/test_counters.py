"""`campaigns doctor` proves the counters by a recount, finds each one that is wrong, and can repair it."""

import asyncio

import pytest
from sqlalchemy import Integer

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database
from app.core.diagnosis import Verdict
from app.core.ids import new_id
from app.operations.doctor import counters as counting
from app.operations.doctor.counters import examine_counters
from app.operations.doctor.recount import COUNTERS, rewrite_counters
from app.recipients.facts import FactKind
from app.recipients.models import CampaignCounters
from app.recipients.record import record_facts
from tests.delivery.campaigns import open_campaign
from tests.operations.examined import examine, pick, run_sql
from tests.recipients.campaign import Campaign, event_key, make_campaign
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


async def live(campaign: Campaign) -> None:
    """Let something of each kind happen in the campaign."""
    kinds = [kind for kind in FactKind if kind is not FactKind.REQUEUED]
    for number, kind in enumerate(kinds, 1):
        await campaign.record(campaign.fact(kind, number=number, key=event_key(number)))
    await campaign.record(campaign.fact(FactKind.OPENED, number=1, key=event_key(90)))
    await campaign.record(campaign.fact(FactKind.CLICKED, number=2, key=event_key(91), machine="scanner"))


async def test_every_counter_there_is_is_recounted() -> None:
    columns = CampaignCounters.__table__.columns
    assert set(COUNTERS) == {each.name for each in columns if isinstance(each.type, Integer)}


async def test_counters_as_they_are_kept_are_right(database: Database, settings: Settings) -> None:
    await live(await make_campaign(database, recipients=30))
    await make_campaign(database, recipients=2)
    found = pick(await examine(settings), "counters")
    assert (found.verdict, found.finding) == (
        Verdict.OK,
        "equal a recount of the recipients in all 2 campaigns",
    )


async def test_each_that_is_wrong_is_found_and_repaired(database: Database) -> None:
    campaign = await make_campaign(database, recipients=30)
    await live(campaign)
    kept = await campaign.counters()
    changes = ", ".join(f"{name} = {name} + {more}" for more, name in enumerate(COUNTERS, 1))
    await run_sql(database, f"UPDATE campaign_counters SET {changes}")  # noqa: S608  # columns of ours
    (found,) = await examine_counters(database, repair=False, on_progress=lambda done, total: None)
    assert found.verdict is Verdict.WRONG
    words = [f"{name} {kept[name] + more} for {kept[name]}" for more, name in enumerate(COUNTERS, 1)]
    assert f"campaign {campaign.id}: {', '.join(words)}" in found.finding
    assert "--repair" in found.remedy
    (found,) = await examine_counters(database, repair=True, on_progress=lambda done, total: None)
    assert "repaired" in found.finding
    assert await campaign.counters() == kept


async def test_counters_that_are_missing_are_made(
    database: Database, settings: Settings, school: SchoolClient
) -> None:
    await open_campaign(database, school, 3)
    await run_sql(database, "DELETE FROM campaign_counters")
    assert "it has no counters" in pick(await examine(settings), "counters").finding
    await examine(settings, repair=True)
    assert pick(await examine(settings), "counters").verdict is Verdict.OK


async def test_campaigns_are_taken_a_few_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "PAGE", 4)
    monkeypatch.setattr(counting, "RECIPIENTS_AT_ONCE", 5)
    monkeypatch.setattr(counting, "SHOWN", 2)
    school_id = new_id()
    for _ in range(9):
        await make_campaign(database, recipients=2, school_id=school_id)
    await run_sql(database, "UPDATE campaign_counters SET clicks = 1")
    steps: list[tuple[int, int]] = []
    (found,) = await examine_counters(
        database, repair=False, on_progress=lambda done, total: steps.append((done, total))
    )
    assert steps == [(2, 9), (4, 9), (6, 9), (8, 9), (9, 9)]
    assert found.finding.startswith("9 of 9 campaigns differ")
    assert found.finding.count("clicks 1 for 0") == 2
    assert found.finding.endswith("and 7 more")


async def test_a_repair_loses_nothing_that_is_recorded_meanwhile(database: Database) -> None:
    campaign = await make_campaign(database, recipients=3)
    await run_sql(database, "UPDATE campaign_counters SET sent = 40")
    accepted = [
        campaign.fact(FactKind.ACCEPTED, number=number)._replace(at=now(), message_id=str(number))
        for number in (1, 2, 3)
    ]
    async with database.connection() as connection:
        await record_facts(connection, accepted[:2])  # not committed yet: the repair must wait for it
        repair = asyncio.create_task(_rewrite(database, campaign))
        done, _ = await asyncio.wait({repair}, timeout=0.1)
        assert not done
    await repair
    await campaign.record(accepted[2])
    await campaign.check_counters()


async def _rewrite(database: Database, campaign: Campaign) -> None:
    async with database.connection() as connection:
        await rewrite_counters(connection, (campaign.school_id, campaign.id))
