"""The table as a file: the same rows, any script, no formula, and never half a file that looks whole."""

import csv
import io
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.db import Database
from app.reports import export
from app.reports.narrowing import RecipientFilter
from app.reports.table import Table
from tests.campaigns.prepared import send_prepared
from tests.directory.faults import read_faults
from tests.reports.happenings import make_campaign
from tests.reports.sums import read_all
from tests.school import SchoolClient

_OPEN = (
    "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND query ~ 'recipients'"
)


async def _download(
    school: SchoolClient, path: str, **query: Any
) -> tuple[httpx.Response, list[dict[str, str]]]:
    answer = await school.http.get(f"{path}.csv", params=query)
    assert answer.status_code == 200, answer.text
    return answer, list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def _as_cells(line: dict[str, Any]) -> dict[str, str]:
    """Return a line of the list as the file has it."""
    words = {None: "", True: "true", False: "false"}
    return {
        name: words.get(value, str(value)) if value not in {0, 1} or isinstance(value, bool) else str(value)
        for name, value in line.items()
    }


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"sort": "-name"},
        {"sort": "-last_opened_at", "delivery_status": ["delivered", "accepted"]},
        {"q": "ann"},
        {"opened": True, "q": "nobody"},
    ],
)
async def test_it_has_the_rows_of_the_list(
    school: SchoolClient, database: Database, query: dict[str, Any]
) -> None:
    path = f"/v1/campaigns/{await make_campaign(school, database)}/recipients"
    _, rows = await _download(school, path, **query)
    assert rows == [_as_cells(line) for line in await read_all(school.read, path, **query)]


async def test_spreadsheets_can_read_it_and_compute_nothing(school: SchoolClient, database: Database) -> None:
    formula = '=HYPERLINK("https://evil.example";"A, B")'
    await school.push(
        "users",
        {"external_id": "1", "email": "a@school.example", "first_name": formula, "last_name": "İrem 李"},
        {"external_id": "@2", "email": "+b@school.example", "first_name": "-1", "last_name": "x"},
        {"external_id": "3", "email": "c@school.example", "first_name": "Ann\tand", "last_name": "Bob\nBell"},
        {"external_id": "4", "email": "d@school.example", "first_name": "＝1", "last_name": "O'Hara"},
    )
    campaign = await send_prepared(school, database, name='Früh/jahr: "Fest" 🎉\r\n2026')
    answer, rows = await _download(school, f"/v1/campaigns/{campaign}/recipients")
    assert answer.content.startswith(b"\xef\xbb\xbfid,user,name,")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    by_user = {row["user"].lstrip("'"): row for row in rows}
    assert by_user["1"]["name"] == f"'{formula} İrem 李"
    assert (by_user["@2"]["user"], by_user["@2"]["email"], by_user["@2"]["name"]) == (
        "'@2",
        "'+b@school.example",
        "'-1 x",
    )
    assert by_user["4"]["name"] == "'＝1 O'Hara"
    assert len(rows) == 4
    assert answer.content.count(b"\r\n") >= 5
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="recipients-')
    assert 'Fruh jahr Fest  2026.csv"' in disposition
    assert "Fr%C3%BCh%20jahr%20Fest%20%F0%9F%8E%89%202026.csv" in disposition


async def test_what_is_wrong_is_told_before_it_begins(school: SchoolClient, database: Database) -> None:
    await school.push_users(1)
    path = f"/v1/campaigns/{await send_prepared(school, database)}/recipients.csv"
    for query, pointer in (({"sort": "age"}, "/sort"), ({"opened": "perhaps"}, "/opened")):
        assert set(read_faults(await school.http.get(path, params=query))) == {pointer}


async def test_a_failure_in_the_middle_is_no_end(
    app: FastAPI, school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROWS_AT_ONCE", 2)
    await school.push_users(8)
    campaign = await send_prepared(school, database)
    table = Table(school.id, campaign, RecipientFilter())
    begun = await export.begin_export(app.state.database, table)
    pieces = aiter(begun)
    assert (await anext(pieces)).startswith(b"\xef\xbb\xbfid,")
    async with database.connection() as connection:
        ended = await connection.execute(text(_OPEN.replace("count(*)", "count(pg_terminate_backend(pid))")))
        assert ended.scalar_one() == 1
    with pytest.raises(DBAPIError):
        async for _ in pieces:
            pass
    begun.close()
    assert len((await _download(school, f"/v1/campaigns/{campaign}/recipients"))[1]) == 8


async def test_a_client_that_leaves_leaves_no_transaction(
    app: FastAPI, school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "ROWS_AT_ONCE", 1)
    await school.push_users(8)
    campaign = await send_prepared(school, database)
    table = Table(school.id, campaign, RecipientFilter())
    exports = [await export.begin_export(app.state.database, table) for _ in range(2)]
    refused = await school.http.get(f"/v1/campaigns/{campaign}/recipients.csv")
    assert set(read_faults(refused, 503)) == set()
    assert int(refused.headers["retry-after"]) > 0
    for each in exports:
        await anext(aiter(each))
        each.close()
        await each.ended()
    assert len((await _download(school, f"/v1/campaigns/{campaign}/recipients"))[1]) == 8
    async with database.connection() as connection:
        assert (await connection.execute(text(_OPEN))).scalar_one() == 0
