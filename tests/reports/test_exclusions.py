"""Who was left out: one line each with the reason, in pages, by reason, and for one's own school alone."""

from typing import Any
from uuid import uuid4

import pytest

from app.core.db import Database
from tests.campaigns.prepared import send_prepared
from tests.directory.faults import read_faults
from tests.school import SchoolClient


async def send(school: SchoolClient, database: Database) -> str:
    """Send to five people of whom one gets it; return the path of who did not."""
    people: list[dict[str, Any]] = [
        {"external_id": "a", "email": "Ann@school.example", "registered_at": "2020-01-01T00:00:00Z"},
        {"external_id": "b", "email": "ann@school.example", "first_name": "Bea", "last_name": "Bell"},
        {"external_id": "c", "email": "josé@school.example", "last_name": "Cruz"},
        {"external_id": "d", "email": "d@school.example", "marketing": "unsubscribed"},
        {"external_id": "e", "email": "e@school.example", "marketing": "unsubscribed"},
    ]
    await school.push("users", *people)
    return f"/v1/campaigns/{await send_prepared(school, database)}/exclusions"


async def test_everyone_left_out_is_listed_with_the_reason(school: SchoolClient, database: Database) -> None:
    page = await school.read(await send(school, database))
    assert page == {
        "items": [
            {"user": "b", "name": "Bea Bell", "email": "ann@school.example", "reason": "duplicate_address"},
            {"user": "c", "name": "Cruz", "email": "josé@school.example", "reason": "unsendable_address"},
            {"user": "d", "name": "", "email": "d@school.example", "reason": "unsubscribed"},
            {"user": "e", "name": "", "email": "e@school.example", "reason": "unsubscribed"},
        ],
        "next_cursor": None,
    }


async def test_pages_show_everyone_once(school: SchoolClient, database: Database) -> None:
    path = await send(school, database)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = await school.read(path, **query)
        seen += [each["user"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == ["b", "c", "d", "e"]
    assert set(read_faults(await school.http.get(path, params={"cursor": "x"}))) == {"/cursor"}


@pytest.mark.parametrize(
    ("reason", "users"),
    [("unsubscribed", ["d", "e"]), ("duplicate_address", ["b"]), ("suppressed", []), ("erased", [])],
)
async def test_one_reason_can_be_asked_for(
    school: SchoolClient, database: Database, reason: str, users: list[str]
) -> None:
    path = await send(school, database)
    page = await school.read(path, reason=reason, limit=2)
    assert ([each["user"] for each in page["items"]], page["next_cursor"]) == (users, None)


async def test_an_unknown_reason_is_refused(school: SchoolClient, database: Database) -> None:
    path = await send(school, database)
    assert set(read_faults(await school.http.get(path, params={"reason": "shy"}))) == {"/reason"}


async def test_they_add_up(school: SchoolClient, database: Database) -> None:
    path = await send(school, database)
    stats = (await school.read(path.removesuffix("/exclusions")))["stats"]
    assert stats["recipients"] == 1
    for reason, count in stats["excluded"].items():
        assert len((await school.read(path, reason=reason))["items"]) == count


async def test_another_schools_campaign_is_not_there(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    path = await send(school, database)
    read_faults(await other_school.http.get(path), 404)
    read_faults(await school.http.get(f"/v1/campaigns/{uuid4()}/exclusions"), 404)
