"""Recording facts: each event once in the history, nothing about strangers, and counters that follow."""

import pytest

from app.core.db import Database
from app.recipients.counters import COUNTED
from app.recipients.facts import Fact, RecipientKey
from app.recipients.facts import FactKind as K
from app.recipients.outcome import merge_fact
from app.recipients.record import record_facts
from app.recipients.rows import hold_recipients, read_recipients, write_back
from tests.recipients.campaign import Campaign, event_key, make_campaign, minute


@pytest.fixture
async def campaign(database: Database) -> Campaign:
    """A campaign of three."""
    return await make_campaign(database, recipients=3)


async def test_facts_change_rows_and_counters_together(campaign: Campaign) -> None:
    await campaign.record(
        campaign.fact(K.ACCEPTED, number=1, message_id="m1"),
        campaign.fact(K.DELIVERED, number=1, at=1, key=event_key(1)),
        campaign.fact(K.BOUNCED, number=2, key=event_key(2), code="no_such_user", diagnostic="550"),
        campaign.fact(K.REFUSED, number=3, code="rejected"),
    )
    assert await campaign.statuses() == ["delivered", "bounced", "failed"]
    row = (await campaign.rows())[2]
    assert (row["reason_code"], row["diagnostic"]) == ("no_such_user", "550")
    counters = await campaign.counters()
    assert (counters["sent"], counters["delivered"], counters["bounced_permanent"]) == (2, 1, 1)
    assert (counters["failed_before"], counters["failed_after"]) == (1, 0)
    await campaign.check_counters()


async def test_an_event_told_twice_in_one_call_counts_once(campaign: Campaign) -> None:
    opened = campaign.fact(K.OPENED, key=event_key(1))
    recorded = await campaign.record(opened, opened)
    assert recorded.fresh == {event_key(1)}
    assert (await campaign.rows())[1]["open_count"] == 1
    assert (await campaign.counters())["opens"] == 1
    assert len(await campaign.history()) == 1


async def test_an_event_told_again_later_is_not_fresh_and_changes_nothing(campaign: Campaign) -> None:
    first = campaign.fact(K.CLICKED, key=event_key(1), link=4)
    assert (await campaign.record(first)).fresh == {event_key(1)}
    before = (await campaign.rows(), await campaign.counters(), await campaign.history())
    second = campaign.fact(K.CLICKED, number=2, key=event_key(2))
    assert (await campaign.record(first, second)).fresh == {event_key(2)}
    rows, counters, history = await campaign.rows(), await campaign.counters(), await campaign.history()
    assert (rows[1], history[:1]) == (before[0][1], before[2])
    assert counters["clicks"] == before[1]["clicks"] + 1
    await campaign.check_counters()


async def test_the_history_keeps_what_was_said(campaign: Campaign) -> None:
    await campaign.record(
        campaign.fact(K.ACCEPTED),  # our own hand-off is in the row, not in the history
        campaign.fact(K.CLICKED, at=2, key=event_key(1), link=7, machine="head"),
        campaign.fact(K.NOTED, at=3, key=event_key(2), note="ses_open"),
        campaign.fact(K.BOUNCED, at=4, key=event_key(3), code="full", diagnostic="552"),
    )
    history = await campaign.history()
    columns = ("occurred_at", "kind", "machine", "link", "code", "diagnostic")
    assert [tuple(event[name] for name in columns) for event in history] == [
        (minute(2), "click", "head", 7, None, None),
        (minute(3), "ses_open", None, None, None, None),
        (minute(4), "bounce", None, None, "full", "552"),
    ]
    assert [event["key"] for event in history] == [event_key(1), event_key(2), event_key(3)]


async def test_facts_about_strangers_come_back_and_touch_nothing(campaign: Campaign) -> None:
    other = await make_campaign(campaign.database)
    strange = [
        campaign.fact(K.OPENED, number=99, key=event_key(1)),
        campaign.fact(K.DELIVERED, number=0, key=event_key(2)),
        # The right number of the right campaign, in a school that is not its own.
        Campaign(campaign.database, other.school_id, campaign.id).fact(K.DELIVERED, key=event_key(3)),
    ]
    recorded = await campaign.record(*strange, campaign.fact(K.ACCEPTED))
    assert (list(recorded.missing), recorded.fresh) == (strange, frozenset())
    assert await campaign.statuses() == ["accepted", "queued", "queued"]
    assert await other.statuses() == ["queued"]
    assert await campaign.history() == await other.history() == []
    await campaign.check_counters()


async def test_several_schools_are_recorded_in_one_call(database: Database) -> None:
    campaigns = [await make_campaign(database) for _ in range(3)]
    facts = [each.fact(K.DELIVERED, key=event_key(n)) for n, each in enumerate(reversed(campaigns))]
    recorded = await campaigns[0].record(*facts)
    assert len(recorded.fresh) == 3
    for each in campaigns:
        assert (await each.counters())["delivered"] == 1


async def test_nothing_to_record_is_no_error(campaign: Campaign) -> None:
    recorded = await campaign.record()
    assert (recorded.missing, recorded.fresh) == ((), frozenset())


async def test_a_rollback_takes_rows_history_and_counters_along(campaign: Campaign) -> None:
    class Doubt(Exception): ...

    async def doubt() -> None:
        async with campaign.database.connection() as connection:
            await record_facts(connection, [campaign.fact(K.OPENED, key=event_key(1))])
            raise Doubt

    with pytest.raises(Doubt):
        await doubt()
    assert await campaign.statuses() == ["queued"] * 3
    assert await campaign.history() == []
    assert (await campaign.counters())["sent"] == 0


async def test_counters_change_by_every_row_in_whatever_order_they_come(database: Database) -> None:
    campaigns = [await make_campaign(database, recipients=2) for _ in range(2)]
    keys = [RecipientKey(each.school_id, each.id, number) for number in (1, 2) for each in campaigns]
    async with database.connection() as connection:
        in_order = sorted(keys, key=RecipientKey.order)
        await hold_recipients(connection, in_order)
        rows = await read_recipients(connection, in_order)
        by_key = {row.key: row for row in rows}
        for row in rows:
            row.after = merge_fact(row.before, Fact(row.key, K.ACCEPTED, minute(1)))
        changes = await write_back(connection, [by_key[key] for key in keys])
    place = COUNTED.index("sent")
    assert {campaign: change[place] for (_, campaign), change in changes.items()} == {
        each.id: 2 for each in campaigns
    }
