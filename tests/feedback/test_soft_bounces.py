"""Soft bounces in a row suppress an address: by their own instants, in whatever order they are heard."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from app.core.clock import now
from app.core.db import Database
from app.feedback.apply import apply_events
from app.mail.events import parse_events
from app.mail.types import MailEvent
from tests.campaigns.prepared import send_prepared
from tests.delivery.campaigns import run_sql
from tests.feedback.posted import Topic, make_event
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")
FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
ADDRESS = "user1@school.example"


def tell(
    school: SchoolClient,
    campaign: UUID,
    what: str,
    place: int = 0,
    number: int = 1,
    address: str = ADDRESS,
    began: datetime = FIRST,
) -> dict[str, Any]:
    """Return what became of the mail: S soft bounce, A automatic reply, D delivery, B bounce, C complaint."""
    kind = {"S": "Bounce", "A": "Bounce", "D": "Delivery", "B": "Bounce", "C": "Complaint"}[what]
    changes: dict[str, Any] = {"timestamp": (began + timedelta(hours=place)).isoformat()}
    if what in "SA":
        subtype = "MailboxFull" if what == "S" else "General"
        changes |= {"bounceType": "Transient", "bounceSubType": subtype}
    return make_event(kind, school, campaign, number, address=address, **changes)


async def read_reasons(school: SchoolClient) -> dict[str, str]:
    """Return the suppression list: reasons by address."""
    items = (await school.read("/v1/suppressions", limit=200))["items"]
    return {entry["address"]: entry["reason"] for entry in items}


async def open_campaigns(
    school: SchoolClient, database: Database, count: int, *, limit: int, users: int = 1
) -> list[UUID]:
    answer = await school.http.patch("/v1/school", json={"soft_bounce_limit": limit})
    assert answer.status_code == 200, answer.text
    await school.push_users(users)
    return [await send_prepared(school, database, message_type="operational") for _ in range(count)]


@pytest.mark.parametrize(
    ("story", "reason"),
    [
        ("SSDS", "soft_bounced"),
        ("SDSD", None),
        ("SADA", None),
        ("SDSB", "bounced"),
        ("SCSD", "complained"),
    ],
)
async def test_no_order_and_no_repetition_matters(
    school: SchoolClient, database: Database, story: str, reason: str | None
) -> None:
    orders = list(permutations(range(len(story))))
    campaigns = await open_campaigns(school, database, len(story), limit=2, users=len(orders))
    addresses = [f"{user}@school.example" for user in sorted(f"user{n + 1}" for n in range(len(orders)))]
    for turn in (0, 1, 0, 2, 3, 2):  # each address hears its own order, all of them the same times
        told = [
            tell(school, campaigns[order[turn]], story[order[turn]], order[turn], number, address)
            for number, (address, order) in enumerate(zip(addresses, orders, strict=True), start=1)
        ]
        async with database.connection() as connection:
            await apply_events(connection, [event for each in told for event in parse_events(each)])
    assert await read_reasons(school) == (dict.fromkeys(addresses, reason) if reason else {})
    wrong = "SELECT count(*) FROM users u WHERE suppressed <> EXISTS (SELECT FROM suppressions s WHERE"
    wrong += " (s.school_id, s.address_key) = (u.school_id, u.address_key))"
    assert await run_sql(database, wrong) == [(0,)]


async def test_it_takes_as_many_as_the_school_says_and_says_where(
    school: SchoolClient, other_school: SchoolClient, database: Database, topic: Topic
) -> None:
    campaigns = await open_campaigns(school, database, 5, limit=5)
    others = await open_campaigns(other_school, database, 5, limit=100)
    for place, (campaign, other) in enumerate(zip(campaigns, others, strict=True)):
        assert await read_reasons(school) == {}
        await topic.publish(tell(school, campaign, "S", place=place))
        await topic.publish(tell(other_school, other, "S", place=place))
    (entry,) = (await school.read("/v1/suppressions"))["items"]
    assert (entry["address"], entry["reason"], entry["origin"]) == (ADDRESS, "soft_bounced", "ses")
    assert entry["campaign_id"] == str(campaigns[-1])
    assert await read_reasons(other_school) == {}


async def test_one_removed_is_counted_anew(school: SchoolClient, database: Database, topic: Topic) -> None:
    campaigns = await open_campaigns(school, database, 5, limit=2)
    for place in (0, 1):
        await topic.publish(tell(school, campaigns[place], "S", place=place))
    (entry,) = (await school.read("/v1/suppressions"))["items"]
    assert (await school.http.delete(f"/v1/suppressions/{entry['id']}")).status_code == 204
    await topic.publish(tell(school, campaigns[0], "S"), tell(school, campaigns[2], "S", place=2))
    assert await read_reasons(school) == {}
    seen = []
    for place in (3, 4):
        await topic.publish(tell(school, campaigns[place], "S", place=place, began=now()))
        seen.append(await read_reasons(school))
    assert seen == [{}, {ADDRESS: "soft_bounced"}]


async def test_what_a_person_or_a_bounce_says_is_not_undone_by_a_delivery(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    campaigns = await open_campaigns(school, database, 3, limit=2)
    await topic.publish(*(tell(school, campaigns[place], "S", place=place) for place in (0, 2)))
    answer = await school.http.post("/v1/suppressions", json={"items": [{"address": ADDRESS}]})
    assert answer.json() == {"added": 0, "already_suppressed": 1}
    assert await read_reasons(school) == {ADDRESS: "manual"}
    await topic.publish(tell(school, campaigns[1], "D", place=1))
    assert await read_reasons(school) == {ADDRESS: "manual"}


async def test_an_erased_person_stays_suppressed(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    campaigns = await open_campaigns(school, database, 3, limit=2)
    await topic.publish(*(tell(school, campaigns[place], "S", place=place) for place in (0, 2)))
    assert (await school.http.delete("/v1/directory/users/u1")).status_code == 204
    await topic.publish(tell(school, campaigns[1], "D", place=1), tell(school, campaigns[1], "S", place=2))
    (entry,) = (await school.read("/v1/suppressions"))["items"]
    assert (entry["address"], entry["reason"]) == (None, "soft_bounced")


@pytest.mark.parametrize(
    ("before", "first", "second", "reasons"),
    [
        ((), ("S", 0), ("S", 1), {ADDRESS: "soft_bounced"}),
        ((("S", 0),), ("S", 2), ("D", 1), {}),
        ((("S", 0),), ("D", 1), ("S", 2), {}),
    ],
)
async def test_two_processes_at_once_come_to_the_same(
    school: SchoolClient,
    database: Database,
    topic: Topic,
    before: tuple[tuple[str, int], ...],
    first: tuple[str, int],
    second: tuple[str, int],
    reasons: dict[str, str],
) -> None:
    campaigns = await open_campaigns(school, database, 3, limit=2)

    def say(what: str, place: int) -> list[MailEvent]:
        return list(parse_events(tell(school, campaigns[place], what, place=place)))

    async def apply_second() -> None:
        async with database.connection() as connection:
            await apply_events(connection, say(*second))

    await topic.publish(*(tell(school, campaigns[place], what, place=place) for what, place in before))
    async with database.connection() as connection:
        await apply_events(connection, say(*first))
        applying = asyncio.create_task(apply_second())
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        await eventually(lambda: run_sql(database, waiting), lambda rows: rows[0][0] > 0)
    await applying
    assert await read_reasons(school) == reasons
