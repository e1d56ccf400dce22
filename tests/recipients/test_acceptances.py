"""The short way of plain acceptances comes to the same tables as the general one, whatever was known."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.db import Database
from app.recipients.acceptances import is_plain, record_acceptances
from app.recipients.facts import Fact, FactKind
from tests.recipients.campaign import Campaign, event_key, make_campaign, second
from tests.recipients.stories import HAPPENINGS, LINKS, PEOPLE, make_fact

ACCEPTED = st.tuples(st.integers(1, PEOPLE), st.integers(0, 20), st.integers(1, 3), st.sampled_from("abc"))
SHOWN = {"campaign_id", "school_id", "heard_at", "user"}


def accept(campaign: Campaign, number: int, at: int, attempt: int, message_id: str) -> Fact:
    """Say what SES's answer to a call says."""
    return Fact(campaign.key(number), FactKind.ACCEPTED, second(at), attempt=attempt, message_id=message_id)


async def record_shortly(campaign: Campaign, *facts: Fact) -> None:
    """Record plain acceptances the short way."""
    assert is_plain(facts)
    async with campaign.database.connection() as connection:
        await record_acceptances(connection, facts)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(HAPPENINGS, max_size=4), st.lists(ACCEPTED, min_size=1, max_size=5), st.booleans())
async def test_both_ways_come_to_the_same(
    database: Database,
    before: list[tuple[int, FactKind, int, int, str | None, int | None, str | None, str | None, bool, int]],
    answers: list[tuple[int, int, int, str]],
    again: bool,
) -> None:
    tables = []
    for is_short in (True, False):
        campaign = await make_campaign(database, recipients=PEOPLE, links=LINKS)
        await campaign.record(
            *(make_fact(place, each, campaign.key(each[0])) for place, each in enumerate(before))
        )
        facts = [accept(campaign, *answer) for answer in answers]
        for _ in range(1 + again):
            await (record_shortly(campaign, *facts) if is_short else campaign.record(*facts))
        await campaign.check_counters()
        rows = {
            number: {name: value for name, value in row.items() if name not in SHOWN}
            for number, row in (await campaign.rows()).items()
        }
        tables.append((rows, await campaign.counters()))
    assert tables[0] == tables[1]


async def test_nobody_else_is_touched_and_nobody_is_made_up(database: Database) -> None:
    campaign, other = [await make_campaign(database, recipients=2) for _ in range(2)]
    await record_shortly(campaign, accept(campaign, 1, 0, 1, "a"), accept(campaign, 9, 0, 1, "b"))
    assert await campaign.statuses() == ["accepted", "queued"]
    assert await other.statuses() == ["queued", "queued"]
    assert (await campaign.counters())["sent"] == 1
    await campaign.check_counters()


async def test_what_is_an_event_or_no_acceptance_is_not_plain(database: Database) -> None:
    campaign = await make_campaign(database)
    assert is_plain([campaign.fact(FactKind.ACCEPTED, message_id="a")])
    assert not is_plain([campaign.fact(FactKind.ACCEPTED), campaign.fact(FactKind.UNKNOWN)])
    assert not is_plain([campaign.fact(FactKind.ACCEPTED, key=event_key(1))])
