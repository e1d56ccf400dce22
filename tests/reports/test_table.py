"""Finding people in the table: filters, words, pages, and a fixed number of queries whatever the size."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import event, text

from app.core.db import Database
from app.core.schema import Page
from app.recipients.facts import FactKind
from app.reports.schemas import RecipientView
from tests.campaigns.prepared import record, send_prepared
from tests.directory.faults import read_faults
from tests.reports.happenings import make_campaign
from tests.school import SchoolClient


async def _numbers(school: SchoolClient, campaign: UUID, **query: Any) -> list[int]:
    """Read every page; return the recipients' numbers as they came."""
    seen: list[int] = []
    cursor: str | None = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = await school.read(f"/v1/campaigns/{campaign}/recipients", **query, **more)
        seen += [line["id"] for line in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return seen


async def test_pages_show_everyone_once_by_number(school: SchoolClient, database: Database) -> None:
    await school.push_users(7)
    campaign = await send_prepared(school, database)
    for limit in (1, 3, 7, 200):
        assert await _numbers(school, campaign, limit=limit) == list(range(1, 8))


async def test_every_delivery_status_can_be_asked_for(school: SchoolClient, database: Database) -> None:
    kinds = {
        "accepted": FactKind.ACCEPTED,
        "delivered": FactKind.DELIVERED,
        "complained": FactKind.COMPLAINED,
        "soft_bounced": FactKind.SOFT_BOUNCED,
        "bounced": FactKind.BOUNCED,
        "failed": FactKind.REFUSED,
        "unknown": FactKind.UNKNOWN,
    }
    await school.push_users(9)
    campaign = await send_prepared(school, database)
    for number, kind in enumerate(kinds.values(), start=1):
        await record(database, school, campaign, number, kind)
    for number, status in enumerate(kinds, start=1):
        assert await _numbers(school, campaign, delivery_status=status) == [number]
    assert await _numbers(school, campaign, delivery_status="queued") == [8, 9]
    assert await _numbers(school, campaign, delivery_status="sending") == []
    async with database.connection() as connection:
        calling = text(
            "UPDATE batches SET state = 'calling', recipients = '{9}' WHERE campaign_id = :campaign"
        )
        await connection.execute(calling, {"campaign": campaign})
    assert await _numbers(school, campaign, delivery_status="queued") == [8]
    assert await _numbers(school, campaign, delivery_status="sending") == [9]
    stats = (await school.read(f"/v1/campaigns/{campaign}"))["stats"]
    assert (stats["queued"], stats["sending"], stats["unknown"], stats["sent"]) == (1, 1, 1, 5)
    assert (stats["delivered"], stats["bounced"], stats["failed"], stats["pending"]) == (2, 2, 1, 1)


async def test_opened_and_clicked_narrow_together(school: SchoolClient, database: Database) -> None:
    await school.push_users(5)
    campaign = await send_prepared(school, database)
    await record(database, school, campaign, 1, FactKind.OPENED)
    await record(database, school, campaign, 2, FactKind.CLICKED, link=1)
    await record(database, school, campaign, 3, FactKind.OPENED, machine="proxy")
    await record(database, school, campaign, 4, FactKind.BOUNCED)
    await record(database, school, campaign, 4, FactKind.OPENED)
    assert await _numbers(school, campaign, opened=True) == [1, 2, 4]
    assert await _numbers(school, campaign, opened=False) == [3, 5]
    assert await _numbers(school, campaign, clicked=True) == [2]
    assert await _numbers(school, campaign, clicked=False, limit=2) == [1, 3, 4, 5]
    assert await _numbers(school, campaign, opened=True, clicked=False) == [1, 4]
    assert await _numbers(school, campaign, opened=True, delivery_status="bounced") == [4]
    assert await _numbers(school, campaign, opened=True, q="user2") == [2]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("ann", [1]),
        ("ANN BELL", [1]),
        ("l a", []),
        ("100%", [2]),
        ("%", [2]),
        ("_", [3]),
        ("d@school", [4]),
        ("school.example", [1, 2, 3, 4]),
        ("nobody", []),
    ],
)
async def test_words_are_looked_for_in_name_and_address(
    school: SchoolClient, database: Database, words: str, found: list[int]
) -> None:
    await school.push(
        "users",
        {"external_id": "1", "email": "a@school.example", "first_name": "Ann", "last_name": "Bell"},
        {"external_id": "2", "email": "b@school.example", "first_name": "100%"},
        {"external_id": "3", "email": "c@school.example", "first_name": "snake_case"},
        {"external_id": "4", "email": "d@school.example"},
    )
    campaign = await send_prepared(school, database)
    assert await _numbers(school, campaign, q=words) == found


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"delivery_status": "lost"}, "/delivery_status/0"),
        ({"opened": "perhaps"}, "/opened"),
        ({"q": "nul\x00"}, "/q"),
        ({"limit": 0}, "/limit"),
        ({"cursor": "x"}, "/cursor"),
        ({"cursor": "WzFlOTld"}, "/cursor"),  # [1e99]
        ({"cursor": "Wzk5OTk5OTk5OTk5XQ"}, "/cursor"),  # [99999999999]
        ({"cursor": "WyJ4Il0"}, "/cursor"),  # ["x"]
    ],
)
async def test_a_wrong_query_is_named(
    school: SchoolClient, database: Database, query: dict[str, Any], pointer: str
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    answer = await school.http.get(f"/v1/campaigns/{campaign}/recipients", params=query)
    assert set(read_faults(answer)) == {pointer}


async def test_what_is_not_there_is_not_found(school: SchoolClient) -> None:
    for path in (f"/v1/campaigns/{uuid4()}", f"/v1/campaigns/{uuid4()}/recipients"):
        read_faults(await school.http.get(path), 404)
    assert set(read_faults(await school.http.get("/v1/campaigns/seven"))) == {"/campaign_id"}


@contextmanager
def _count_statements(app: FastAPI) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    engine = app.state.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_the_number_of_queries_does_not_grow(
    app: FastAPI, school: SchoolClient, database: Database
) -> None:
    async def count(path: str) -> int:
        await school.read(path)  # the key's last use is written on the first
        with _count_statements(app) as statements:
            await school.read(path)
        assert statements
        return len(statements)

    def list_paths(campaign: UUID) -> list[str]:
        one = f"/v1/campaigns/{campaign}"
        rest = ("recipients", "recipients?sort=-name", "recipients/1", "links", "timeline", "domains")
        return ["/v1/campaigns", one, *(f"{one}/{name}" for name in rest)]

    await school.push_users(1)
    campaign = await send_prepared(school, database)
    few = [await count(path) for path in list_paths(campaign)]
    await school.push_users(60)
    for _ in range(8):
        campaign = await send_prepared(school, database)
    many = [await count(path) for path in list_paths(campaign)]
    assert many == few
    assert max(many) <= 9


async def test_a_page_is_written_as_its_model_is(school: SchoolClient, database: Database) -> None:
    """The page is written without the models that the document describes it by."""
    campaign = await make_campaign(school, database)
    for query in ({"limit": "3"}, {}, {"q": "nobody"}):
        answer = await school.http.get(f"/v1/campaigns/{campaign}/recipients", params=query)
        page = Page[RecipientView].model_validate_json(answer.content)
        assert answer.json() == json.loads(page.model_dump_json())
        assert (page.next_cursor is not None) == (query == {"limit": "3"})
        assert answer.headers["content-type"] == "application/json"
