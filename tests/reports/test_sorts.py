"""Every sort of the table, both ways, in pages; and that a cursor stays with its sort and its filter."""

from typing import Any

import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.recipients.facts import FactKind
from app.reports.brief import read_brief
from app.reports.sorts import SORTS
from tests.campaigns.prepared import record, send_prepared
from tests.directory.faults import read_faults
from tests.reports.happenings import make_campaign
from tests.reports.sums import read_all
from tests.school import SchoolClient

PROGRESS = (
    *("queued", "sending", "unknown", "accepted", "delivered", "complained"),
    *("soft_bounced", "bounced", "failed"),
)


def _sort(lines: list[dict[str, Any]], sort: str) -> list[int]:
    """Return the numbers as the sort should have them: nothing last, ties by number, both turned round."""
    name = sort.removeprefix("-")

    def read_key(line: dict[str, Any]) -> Any:
        value = line["id" if name == "number" else name]
        if name == "delivery_status":
            return PROGRESS.index(value)
        return (value.lower() or None) if isinstance(value, str) else value

    there = [line for line in lines if read_key(line) is not None]
    rest = [line for line in lines if read_key(line) is None]
    descends = sort.startswith("-")
    there.sort(key=lambda line: (read_key(line), line["id"]), reverse=descends)
    rest.sort(key=lambda line: line["id"], reverse=descends)
    return [line["id"] for line in there + rest]


async def test_every_sort_in_pages_shows_everyone_once(school: SchoolClient, database: Database) -> None:
    """While of some nothing is known, and when something is of all: the sorts read other tables then."""
    campaign = await make_campaign(school, database)
    path = f"/v1/campaigns/{campaign}/recipients"
    assert (await school.http.delete("/v1/directory/users/u4")).status_code == 204
    for all_begun in (False, True):
        async with database.tenant_transaction(school.id) as session:
            brief = await read_brief(session, school_id=school.id, campaign_id=campaign)
        assert brief.all_begun is all_begun
        lines = await read_all(school.read, path)
        assert [line["name"] for line in lines if line["email"] is None] == [""]
        for sort in SORTS:
            for limit in (2, 200):
                found = await read_all(school.read, path, sort=sort, limit=limit)
                assert [line["id"] for line in found] == _sort(lines, sort), (sort, limit)
        for number in await _find_queued(school, path):
            await record(database, school, campaign, number, FactKind.ACCEPTED)


async def _find_queued(school: SchoolClient, path: str) -> list[int]:
    lines = await read_all(school.read, path, delivery_status=["queued", "sending"])
    return [line["id"] for line in lines]


@pytest.mark.parametrize("all_begun", [False, True])
async def test_sorts_and_filters_go_together(
    school: SchoolClient, database: Database, all_begun: bool
) -> None:
    campaign = await make_campaign(school, database)
    path = f"/v1/campaigns/{campaign}/recipients"
    if all_begun:
        for number in await _find_queued(school, path):
            await record(database, school, campaign, number, FactKind.ACCEPTED)

    async def numbers(**query: Any) -> list[int]:
        return [line["id"] for line in await read_all(school.read, path, **{"limit": 1} | query)]

    failed = ["bounced", "soft_bounced", "failed"]
    assert await numbers(delivery_status=failed, sort="-delivery_status") == [8, 6, 4, 5]
    assert await numbers(opened=True, sort="-last_clicked_at") == [1, 2]
    assert await numbers(machine_opened=True) == await numbers(machine_clicked=True) == [7]
    assert await numbers(machine_opened=False, clicked=True, sort="-number") == [2, 1]
    assert await numbers(unsubscribed=True) == [2]
    assert await numbers(user="u5") == [5]
    assert await numbers(user="nobody") == []
    assert await numbers(q="ANN", sort="-name") == [2, 1]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({}, {"sort": "-number"}),
        ({"sort": "name"}, {"sort": "email"}),
        ({"sort": "name"}, {"sort": "-name"}),
        ({"sort": "-open_count"}, {"sort": "-open_count", "opened": "true"}),
        ({"q": "a"}, {"q": "b"}),
    ],
)
async def test_a_cursor_fits_no_other_question(
    school: SchoolClient, database: Database, first: dict[str, str], then: dict[str, str]
) -> None:
    await school.push_users(3, last_name="ab")
    path = f"/v1/campaigns/{await send_prepared(school, database)}/recipients"
    cursor = (await school.read(path, limit=1, **first))["next_cursor"]
    refused = await school.http.get(path, params={"cursor": cursor, **then})
    assert read_faults(refused) == {"/cursor": "belongs to another sort or filter; start again without it"}
    assert (await school.read(path, limit=1, cursor=cursor, **first))["items"][0]["id"] != 0


async def test_a_wrong_sort_is_told_which_there_are(school: SchoolClient, database: Database) -> None:
    await school.push_users(1)
    path = f"/v1/campaigns/{await send_prepared(school, database)}/recipients"
    for sort in ("age", "--name", "name,email", ""):
        faults = read_faults(await school.http.get(path, params={"sort": sort}))
        assert "click_count" in faults["/sort"]


async def test_sorts_are_in_the_document(app: FastAPI) -> None:
    document = app.openapi()
    parameters = document["paths"]["/v1/campaigns/{campaign_id}/recipients"]["get"]["parameters"]
    (sort,) = (each for each in parameters if each["name"] == "sort")
    assert sort["schema"]["$ref"] == "#/components/schemas/RecipientSort"
    assert document["components"]["schemas"]["RecipientSort"]["enum"] == list(SORTS)
