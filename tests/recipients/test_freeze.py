"""Freezing: everyone matched is numbered once, as a recipient or as an exclusion with its reason."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.delivery.planning import prepare_campaign
from tests.recipients.campaign import Campaign
from tests.school import MESSAGE, SchoolClient

PEOPLE: list[dict[str, Any]] = [
    {"external_id": "a", "email": "a@x.example", "marketing": "subscribed"},
    {
        "external_id": "b",
        "email": "b@x.example",
        "marketing": "unsubscribed",
        "first_name": "Bea",
        "last_name": "B",
    },
    {"external_id": "c", "email": "A@X.example", "registered_at": "2020-01-01T00:00:00Z"},
    {"external_id": "d", "email": "d@x.example", "attributes": {"city": "Jaén", "pin": 1234}},
    {"external_id": "e", "email": "e@x.example", "status": "inactive"},
    {"external_id": "f", "email": "f@x.example", "last_name": "Only"},
]


async def freeze(school: SchoolClient, database: Database, **message: Any) -> Campaign:
    """Send to the active users, and freeze the audience as a worker would."""
    sent = await school.send(**message)
    campaign = Campaign(database, school.id, UUID(sent["id"]))
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign.id)
    return campaign


async def read_exclusions(campaign: Campaign) -> list[tuple[Any, ...]]:
    async with campaign.database.connection() as connection:
        rows = await connection.execute(
            text(
                'SELECT number, "user", email, name, reason FROM exclusions '
                "WHERE school_id = :school AND campaign_id = :campaign ORDER BY number"
            ),
            {"school": campaign.school_id, "campaign": campaign.id},
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def frozen(school: SchoolClient, database: Database) -> Campaign:
    """Six people known: one inactive, one unsubscribed, two who share an address."""
    await school.push("users", *PEOPLE)
    return await freeze(school, database, subject="For {{ attributes.city }}")


async def test_recipients_are_numbered_first_and_the_excluded_after_them(frozen: Campaign) -> None:
    rows = await frozen.rows()
    assert {number: row["user"] for number, row in rows.items()} == {1: "c", 2: "d", 3: "f"}
    assert await read_exclusions(frozen) == [
        (4, "a", "a@x.example", "", "duplicate_address"),
        (5, "b", "b@x.example", "Bea B", "unsubscribed"),
    ]
    assert set(await frozen.statuses()) == {"queued"}


async def test_the_counters_start_with_what_was_frozen(frozen: Campaign) -> None:
    counters = await frozen.counters()
    assert counters["recipients"] == 3
    excluded = {name: count for name, count in counters.items() if name.endswith("_excluded") and count}
    assert excluded == {"duplicate_address_excluded": 1, "unsubscribed_excluded": 1}
    await frozen.check_counters()


async def test_only_the_attributes_that_are_merged_are_copied(frozen: Campaign) -> None:
    rows = await frozen.rows()
    assert [rows[number]["attributes"] for number in (1, 2)] == [{"city": None}, {"city": "Jaén"}]


async def test_the_name_and_the_address_are_kept_as_they_are_now(
    frozen: Campaign, school: SchoolClient
) -> None:
    await school.push("users", PEOPLE[5] | {"email": "new@x.example", "last_name": "New"})
    row = (await frozen.rows())[3]
    assert (row["email"], row["first_name"], row["last_name"]) == ("f@x.example", "", "Only")


async def test_a_message_without_attributes_copies_none(school: SchoolClient, database: Database) -> None:
    await school.push("users", PEOPLE[3])
    campaign = await freeze(school, database)
    assert (await campaign.rows())[1]["attributes"] == {}


async def test_freezing_again_changes_nothing(frozen: Campaign) -> None:
    before = (await frozen.rows(), await frozen.counters(), await read_exclusions(frozen))
    async with frozen.database.system_transaction() as session:
        await prepare_campaign(session, school_id=frozen.school_id, campaign_id=frozen.id)
    assert (await frozen.rows(), await frozen.counters(), await read_exclusions(frozen)) == before


async def test_an_audience_that_everybody_left_meanwhile_is_counted_too(
    school: SchoolClient, database: Database
) -> None:
    person = {"external_id": "a", "email": "a@x.example"}
    await school.push("users", person)
    sent = await school.http.post("/v1/messages", json=MESSAGE)
    campaign = Campaign(database, school.id, UUID(sent.json()["id"]))
    await school.push("users", person | {"marketing": "unsubscribed"})
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign.id)
    assert await campaign.rows() == {}
    stats = (await school.read(f"/v1/campaigns/{campaign.id}"))["stats"]
    assert (stats["recipients"], stats["excluded"]["unsubscribed"]) == (0, 1)
