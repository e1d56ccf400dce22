"""The list of campaigns: scheduled first, then newest first, every campaign once, whatever the filter."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update

from app.campaigns.models import Campaign
from app.core.clock import now
from app.core.db import Database
from tests.directory.faults import read_faults
from tests.school import SchoolClient

SENT_AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = now() + timedelta(days=3)


@pytest.fixture(autouse=True)
async def people(school: SchoolClient) -> None:
    """Somebody to write to."""
    await school.push_users(1)


async def _send_at(school: SchoolClient, database: Database, at: datetime, **changes: Any) -> str:
    campaign = str((await school.send(**changes))["id"])
    async with database.system_transaction() as session:
        await session.execute(
            update(Campaign)
            .where(Campaign.school_id == school.id, Campaign.id == UUID(campaign))
            .values(sent_at=at)
        )
    return campaign


async def _walk(school: SchoolClient, **query: Any) -> list[str]:
    """Read every page; return the ids in the order they came."""
    seen: list[str] = []
    cursor: str | None = None
    while True:
        page = await school.read("/v1/campaigns", **query, **({"cursor": cursor} if cursor else {}))
        assert len(page["items"]) <= query.get("limit", 50)
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return seen


async def _names(school: SchoolClient, **query: Any) -> set[str]:
    return {row["display_name"] for row in (await school.read("/v1/campaigns", **query))["items"]}


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
async def test_pages_hold_the_order_across_ties(school: SchoolClient, database: Database, limit: int) -> None:
    old = await _send_at(school, database, SENT_AT)
    newest = await _send_at(school, database, SENT_AT + timedelta(microseconds=1))
    ties = [await _send_at(school, database, SENT_AT) for _ in range(3)]
    scheduled = [(await school.send(send_at=LATER.isoformat()))["id"] for _ in range(2)]
    expected = [*reversed(scheduled), newest, *reversed(ties), old]
    assert await _walk(school, limit=limit) == expected


async def test_another_schools_campaigns_are_not_listed(
    school: SchoolClient, other_school: SchoolClient
) -> None:
    campaign = await school.send()
    assert (await other_school.read("/v1/campaigns"))["items"] == []
    read_faults(await other_school.http.get(f"/v1/campaigns/{campaign['id']}"), 404)
    read_faults(await other_school.http.get(f"/v1/campaigns/{campaign['id']}/recipients"), 404)


async def test_filters_narrow_together(school: SchoolClient) -> None:
    await school.send(name="sent marketing")
    await school.send(name="sent operational", message_type="operational")
    await school.send(name="later", message_type="newsletter", send_at=LATER.isoformat())
    cancelled = await school.send(name="cancelled")
    await school.http.post(f"/v1/campaigns/{cancelled['id']}/cancel")
    assert await _names(school, message_type="operational") == {"sent operational"}
    assert await _names(school, status="scheduled") == {"later"}
    assert await _names(school, status="cancelled") == {"cancelled"}
    assert await _names(school, status="preparing", message_type="marketing") == {"sent marketing"}
    assert await _names(school, status="scheduled", message_type="marketing") == set()


async def test_sent_after_and_before_are_half_open(school: SchoolClient, database: Database) -> None:
    await _send_at(school, database, SENT_AT, name="noon")
    await _send_at(school, database, SENT_AT + timedelta(hours=1), name="one")
    await school.send(name="later", send_at=LATER.isoformat())
    noon, one = SENT_AT.isoformat(), "2026-03-01T14:00:00+01:00"
    assert await _names(school, sent_after=noon) == {"noon", "one"}
    assert await _names(school, sent_after=one) == {"one"}
    assert await _names(school, sent_before=noon) == set()
    assert await _names(school, sent_before=one) == {"noon"}
    assert await _names(school, sent_after=noon, sent_before=one) == {"noon"}


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("spring", {"Spring Sale"}),
        ("SALE", {"Spring Sale", "Sale 100% off"}),
        ("100%", {"Sale 100% off"}),
        ("0%o", set()),
        ("%", {"Sale 100% off"}),
        ("_", {"snake_case"}),
        ("e_c", {"snake_case"}),
        ("e.c", set()),
        ("\\", {"back\\slash"}),
        ("k\\s", {"back\\slash"}),
        ("'; drop", set()),
        ("Exámen", {"Untitled"}),
    ],
)
async def test_words_are_looked_for_as_they_are(school: SchoolClient, words: str, found: set[str]) -> None:
    for name in ("Spring Sale", "Sale 100% off", "snake_case", "back\\slash"):
        await school.send(name=name, subject="Hello")
    await school.send(subject="El examen: EXÁMENES")
    assert await _names(school, q=words) == found


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"message_type": "spam"}, "/message_type"),
        ({"status": "lost"}, "/status"),
        ({"sent_after": "yesterday"}, "/sent_after"),
        ({"sent_before": "2026-01-01T00:00:00"}, "/sent_before"),
        ({"sent_before": "9999-12-31T23:59:59-12:00"}, "/sent_before"),
        ({"q": "x" * 201}, "/q"),
        ({"q": "nul\x00"}, "/q"),
        ({"limit": 0}, "/limit"),
        ({"limit": 201}, "/limit"),
        ({"cursor": "x"}, "/cursor"),
        ({"cursor": "W251bGwsbnVsbF0"}, "/cursor"),
        ({"cursor": "WzEsMl0"}, "/cursor"),
    ],
)
async def test_a_wrong_query_is_named(school: SchoolClient, query: dict[str, Any], pointer: str) -> None:
    assert set(read_faults(await school.http.get("/v1/campaigns", params=query))) == {pointer}


async def test_what_was_cancelled_unsent_does_not_stay_on_top(
    school: SchoolClient, database: Database
) -> None:
    dropped = (await school.send(send_at=LATER.isoformat()))["id"]
    await school.http.post(f"/v1/campaigns/{dropped}/cancel")
    waiting = (await school.send(send_at=LATER.isoformat()))["id"]
    newest = await _send_at(school, database, now() + timedelta(minutes=1))
    assert await _walk(school, limit=1) == [waiting, newest, dropped]
