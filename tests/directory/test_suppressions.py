"""`/v1/suppressions`: whom the school mails no more, seen, added and removed; `users` follows at once."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from app.core.db import Database
from app.delivery.fairness import Turn
from app.directory.models import User
from tests.campaigns.prepared import send_prepared
from tests.delivery.campaigns import claim_some
from tests.directory.faults import read_faults
from tests.feedback.posted import Topic, make_event
from tests.school import SchoolClient
from tests.unsubscribe.leaving import count_reached, read_preferences

PATH = "/v1/suppressions"


async def post(school: SchoolClient, *addresses: str, path: str = PATH) -> dict[str, int]:
    answer = await school.http.post(path, json={"items": [{"address": each} for each in addresses]})
    assert answer.status_code == 200, answer.text
    counts: dict[str, int] = answer.json()
    return counts


async def remove(school: SchoolClient, *addresses: str) -> dict[str, int]:
    return await post(school, *addresses, path=f"{PATH}/remove")


async def list_all(school: SchoolClient, **query: Any) -> list[dict[str, Any]]:
    """Read every page, one entry at a time."""
    items: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await school.read(PATH, limit=1, **query, **cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


async def read_suppressed(database: Database, school: SchoolClient) -> list[str]:
    """Return who is marked, as an audience reads it."""
    async with database.system_transaction() as session:
        marked = select(User.external_id).where(User.school_id == school.id, User.suppressed)
        return list(await session.scalars(marked.order_by(User.external_id)))


async def test_whoever_has_an_added_address_is_mailed_no_more(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    for each in (school, other_school):
        await each.push_users(3)
    campaign = await send_prepared(school, database)
    await school.push("users", {"external_id": "kid", "email": "User1@School.example"})
    added = await post(school, "USER1@school.example", "user1@school.EXAMPLE", "nobody@münchen.example")
    assert added == {"added": 2, "already_suppressed": 0}
    await school.push("users", {"external_id": "late", "email": "nobody@xn--mnchen-3ya.example"})
    assert await read_suppressed(database, school) == ["kid", "late", "u1"]
    assert await count_reached(school, "operational") == 2
    assert await count_reached(other_school, "operational") == 3
    claimed = await claim_some(database, Turn(school.id, campaign, operational=False))
    assert [addressee.number for addressee in claimed.addressees] == [2, 3]
    again = await post(school, "user1@school.example", "user2@school.example")
    assert again == {"added": 1, "already_suppressed": 1}
    assert await list_all(other_school) == []
    entry = next(each for each in await list_all(school) if "1" in each["address"])
    assert entry.pop("id")
    assert entry.pop("created_at").endswith("Z")
    manual = {"reason": "manual", "origin": "api", "campaign_id": None}
    assert entry == {"address": "USER1@school.example", **manual}


async def test_a_removed_address_is_mailed_again_by_all_who_have_it(
    school: SchoolClient, database: Database
) -> None:
    await school.push_users(3)
    await school.push("users", {"external_id": "kid", "email": "USER1@school.example"})
    await post(school, "user1@school.example", "user2@school.example", "user3@school.example")
    removed = await remove(school, "User1@school.example", "user1@SCHOOL.example", "never@school.example")
    assert removed == {"removed": 1, "not_suppressed": 1}
    assert await read_suppressed(database, school) == ["u2", "u3"]
    (entry,) = await list_all(school, q="user2@school.example")
    assert (await school.http.delete(f"{PATH}/{entry['id']}")).status_code == 204
    read_faults(await school.http.delete(f"{PATH}/{entry['id']}"), 404)
    assert await remove(school, "user2@school.example") == {"removed": 0, "not_suppressed": 1}
    assert await read_suppressed(database, school) == ["u3"]
    assert await count_reached(school, "operational") == 2
    export = await school.read("/v1/directory/users/u2/export")
    assert (export["suppression"], export["suppression_removed_at"] > entry["created_at"]) == (None, True)
    assert await post(school, "user2@school.example") == {"added": 1, "already_suppressed": 0}


async def test_a_complaint_leaves_the_list_and_stays_unsubscribed(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    await school.push_users(2, marketing="subscribed")
    campaign = await send_prepared(school, database)
    await topic.publish(make_event("Complaint", school, campaign), make_event("Bounce", school, campaign, 2))
    (complained,) = await list_all(school, reason="complained")
    assert (complained["origin"], complained["campaign_id"]) == ("ses", str(campaign))
    assert await post(school, "user1@school.example") == {"added": 0, "already_suppressed": 1}
    assert await list_all(school, reason="complained") == [complained]
    assert await remove(school, "user1@school.example") == {"removed": 1, "not_suppressed": 0}
    assert (await read_preferences(school))[0] == "unsubscribed"
    assert [entry["reason"] for entry in await list_all(school)] == ["bounced"]


async def test_the_list_pages_and_is_searched(school: SchoolClient) -> None:
    names = ["ann@x.example", "anna@x.example", "a_n@x.example", "bob@x.example", "ann@x.example.org"]
    await post(school, *names[:3])
    await post(school, *names[3:])
    items = await list_all(school)
    assert items == (await school.read(PATH))["items"]
    assert {entry["address"] for entry in items[:2]} == set(names[3:])
    assert {entry["address"] for entry in items[2:]} == set(names[:3])
    found = {
        q: sorted(names.index(entry["address"]) for entry in await list_all(school, q=q))
        for q in ("ANN", "a_", "%", "ann@X.example", "x.example")
    }
    assert found == {"ANN": [0, 1, 4], "a_": [2], "%": [], "ann@X.example": [0, 4], "x.example": []}
    assert (await list_all(school, reason="manual"), await list_all(school, reason="bounced")) == (items, [])


async def test_an_erased_person_is_found_by_the_whole_address_and_removed_by_id(
    school: SchoolClient, database: Database
) -> None:
    await school.push_users(1)
    await post(school, "user1@school.example")
    assert (await school.http.delete("/v1/directory/users/u1")).status_code == 204
    assert await list_all(school, q="user1") == []
    (entry,) = await list_all(school, q="USER1@school.example")
    assert (entry["address"], entry["reason"]) == (None, "manual")
    assert await post(school, "user1@school.example") == {"added": 0, "already_suppressed": 1}
    await school.push_users(1)
    assert await read_suppressed(database, school) == ["u1"]
    assert (await school.http.delete(f"{PATH}/{entry['id']}")).status_code == 204
    assert await read_suppressed(database, school) == []


@pytest.mark.parametrize("path", [PATH, f"{PATH}/remove"])
@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/items"}),
        ({"items": []}, {"/items"}),
        ({"items": [{"address": f"u{n}@x.example"} for n in range(1001)]}, {"/items"}),
        (
            {"items": [{"address": "good@x.example"}, {"address": "ann"}, {}, {"address": None}]},
            {"/items/1/address", "/items/2/address", "/items/3/address"},
        ),
        ({"items": [{"address": "good@x.example", "reason": "bounced"}]}, {"/items/0/reason"}),
        ({"items": [{"address": "a\x00@x.example"}], "dry": True}, {"/items/0/address", "/dry"}),
        ({"items": ["good@x.example"]}, {"/items/0"}),
    ],
)
async def test_every_fault_is_named_and_nothing_is_changed(
    school: SchoolClient, path: str, body: dict[str, Any], pointers: set[str]
) -> None:
    if path != PATH:
        await post(school, "good@x.example")
    before = await list_all(school)
    assert set(read_faults(await school.http.post(path, json=body))) == pointers
    assert await list_all(school) == before


async def test_another_schools_entry_is_not_found(school: SchoolClient, other_school: SchoolClient) -> None:
    await post(school, "ann@x.example")
    (entry,) = await list_all(school)
    read_faults(await other_school.http.delete(f"{PATH}/{entry['id']}"), 404)
    read_faults(await school.http.delete(f"{PATH}/{uuid4()}"), 404)
    assert set(read_faults(await school.http.get(PATH, params={"cursor": "x"}))) == {"/cursor"}
    assert set(read_faults(await school.http.get(PATH, params={"reason": "spite"}))) == {"/reason"}
    assert await list_all(school) == [entry]
