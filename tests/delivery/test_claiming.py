"""Claiming: one batch each, only of a campaign that is sending, only to people who still want it."""

import asyncio

import pytest

from app.core.db import Database
from app.delivery.claiming import find_due
from tests.delivery.campaigns import (
    claim,
    claim_batches,
    claim_some,
    list_batches,
    open_campaign,
    read_campaign,
    run_sql,
)
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


async def test_claimers_at_once_never_get_the_same_batch(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 40, batch_size=2)
    claims = await asyncio.gather(*(claim(database, turn) for _ in range(30)))
    got = [addressee.number for each in claims if each for addressee in each.addressees]
    assert sorted(got) == list(range(1, 41))
    assert claims.count(None) == 10


async def test_a_batch_that_another_is_claiming_is_passed_over_without_waiting(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 4, batch_size=2)
    async with database.connection() as connection:
        (first,) = await claim_batches(connection, turn, most=1, lease_seconds=60)
        second = await asyncio.wait_for(claim_some(database, turn), 5)
    assert {a.number for a in first.addressees} == {1, 2}
    assert {a.number for a in second.addressees} == {3, 4}


async def test_of_a_batch_too_large_for_the_rate_the_rest_is_left_for_later_calls(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 12, batch_size=6)
    async with database.connection() as connection:
        claims = await claim_batches(connection, turn, most=2, lease_seconds=60, largest=4)
    assert [[each.number for each in claim.addressees] for claim in claims] == [[1, 2, 3, 4], [7, 8, 9, 10]]
    async with database.connection() as connection:
        rest = await claim_batches(connection, turn, most=9, lease_seconds=60, largest=4)
    assert [[each.number for each in claim.addressees] for claim in rest] == [[5, 6], [11, 12]]


async def test_no_more_is_claimed_than_asked_for_while_the_planner_takes_the_table_for_tiny(
    school: SchoolClient, database: Database
) -> None:
    """As after a first small campaign and an ANALYZE: what is claimed beyond, nobody would ever send."""
    turn = await open_campaign(database, school, 1)
    await claim_some(database, turn)
    await run_sql(database, "UPDATE batches SET state = 'done'")
    await run_sql(database, "ANALYZE batches")
    await run_sql(database, "ANALYZE campaigns")
    turn = await open_campaign(database, school, 30, batch_size=3)
    async with database.keyed_connection() as connection:
        claims = await claim_batches(connection, turn, most=2, lease_seconds=60)
    assert [[each.number for each in claim.addressees] for claim in claims] == [[1, 2, 3], [4, 5, 6]]
    states = [state for state, _, _ in await list_batches(database, turn)]
    assert states == ["calling"] * 2 + ["due"] * 8


@pytest.mark.parametrize("how", ["pause", "cancel"])
async def test_nothing_is_claimed_of_a_campaign_that_a_person_stopped(
    school: SchoolClient, database: Database, how: str
) -> None:
    turn = await open_campaign(database, school, 4, batch_size=2)
    assert await claim(database, turn) is not None
    assert (await school.http.post(f"/v1/campaigns/{turn.campaign_id}/{how}")).status_code == 200
    assert await claim(database, turn) is None
    async with database.connection() as connection:
        assert await find_due(connection) == []


async def test_a_batch_that_is_put_off_is_not_due(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 2)
    await run_sql(database, "UPDATE batches SET not_before = now() + interval '1 minute'")
    assert await claim(database, turn) is None
    async with database.connection() as connection:
        assert await find_due(connection) == []


async def test_due_campaigns_tell_what_is_operational(school: SchoolClient, database: Database) -> None:
    await open_campaign(database, school, 1)
    await open_campaign(database, school, 1, message_type="operational")
    async with database.connection() as connection:
        assert sorted(turn.operational for turn in await find_due(connection)) == [False, True]


async def test_who_unsubscribed_or_was_suppressed_since_is_taken_out_and_counted(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 5)
    await run_sql(
        database,
        "INSERT INTO suppressions (school_id, address_key, email, reason, origin)"
        " SELECT school_id, address_key, email, 'bounce', 'ses' FROM recipients WHERE number = 2",
    )
    await run_sql(
        database,
        "INSERT INTO unsubscriptions (school_id, address_key, message_type, since, source)"
        " SELECT school_id, address_key, 'marketing', now(), 'page' FROM recipients WHERE number = 4",
    )
    claimed = await claim_some(database, turn)
    assert [addressee.number for addressee in claimed.addressees] == [1, 3, 5]
    stats = (await read_campaign(school, turn))["stats"]
    assert (stats["recipients"], stats["sending"], stats["queued"]) == (3, 3, 0)
    assert (stats["excluded"]["suppressed"], stats["excluded"]["unsubscribed"]) == (1, 1)


async def test_a_newsletter_wish_does_not_stop_marketing(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 1)
    await run_sql(
        database,
        "INSERT INTO unsubscriptions (school_id, address_key, message_type, since, source)"
        " SELECT school_id, address_key, 'newsletter', now(), 'page' FROM recipients",
    )
    assert len((await claim_some(database, turn)).addressees) == 1


async def test_a_batch_whose_people_are_all_gone_is_claimed_with_nobody_in_it(
    school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 2)
    await run_sql(database, "UPDATE users SET marketing = 'unsubscribed'")
    assert (await claim_some(database, turn)).addressees == ()
    assert [state for state, _, _ in await list_batches(database, turn)] == ["calling"]
    assert (await read_campaign(school, turn))["stats"]["recipients"] == 0
