"""Cursors: whatever key a row has comes back, and anything else is a 422 that says so."""

import base64
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import InvalidInput
from app.core.ids import new_id
from app.core.pages import decode_cursor, encode_cursor, make_page, or_null
from tests.school import SchoolClient

STORABLE = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)


@given(STORABLE, st.uuids(), st.integers(0, 2**31 - 1), st.datetimes(timezones=st.just(UTC)))
def test_a_key_comes_back(name: str, each: UUID, number: int, at: datetime) -> None:
    cursor = encode_cursor(name, each, number, at.isoformat())
    assert decode_cursor(cursor, str, UUID, int, datetime.fromisoformat) == (name, each, number, at)


def test_null_comes_back_where_the_key_may_be_null() -> None:
    cursor = encode_cursor(None, 1)
    assert decode_cursor(cursor, or_null(datetime.fromisoformat), int) == (None, 1)
    with pytest.raises(InvalidInput):
        decode_cursor(cursor, datetime.fromisoformat, int)


@given(
    st.text(max_size=30)
    | st.integers(-(2**60), 2**60).map(encode_cursor)
    | st.text(max_size=5).map(lambda text: forge([text]))
)
def test_any_text_is_a_key_or_refused(cursor: str) -> None:
    with suppress(InvalidInput):
        (key,) = decode_cursor(cursor, int)
        assert abs(key) < 2**31
        assert encode_cursor(key).rstrip("=") == cursor.rstrip("=")


def test_pages_follow_each_other_to_the_end() -> None:
    rows = list(range(1, 8))
    seen: list[int] = []
    after, pages = 0, 0
    while True:
        page = make_page(
            [row for row in rows if row > after][:4], limit=3, view=lambda row: row, key=lambda row: (row,)
        )
        seen += page.items
        pages += 1
        if page.next_cursor is None:
            break
        (after,) = decode_cursor(page.next_cursor, int)
    assert (seen, pages) == (rows, 3)


def forge(key: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).rstrip(b"=").decode()


GARBAGE = [
    "x",
    "é",
    "====",
    "AAAA",
    "\x00",
    forge({}),
    forge("a"),
    forge([]),
    forge([None]),
    forge([None, None]),
    forge([[], []]),
    forge([2**31]),
    forge([-(2**40)]),
    forge([10**18]),
    forge([1.5]),
    forge(["1; DROP TABLE users"]),
    forge(["2026-01-01T00:00:00", str(UUID(int=1))]),
    forge(["0001-01-01T00:00:00+14:00", str(UUID(int=1))]),
    forge([None, "no id"]),
    forge([None, 5]),
]


@pytest.mark.parametrize("cursor", [*GARBAGE, forge(["a\x00b"])])
async def test_a_cursor_that_no_list_gave_is_422(school: SchoolClient, cursor: str) -> None:
    await school.push_users(1)
    campaign = await school.send()
    lists = ["/v1/campaigns", f"/v1/campaigns/{campaign['id']}/recipients"]
    if cursor in GARBAGE[:15]:
        lists.append("/v1/directory/users")
    for path in lists:
        answer = await school.http.get(path, params={"cursor": cursor})
        assert answer.status_code == 422, (path, answer.text)
        assert answer.json()["errors"][0]["pointer"] == "/cursor"


async def test_a_nul_is_no_external_id(school: SchoolClient) -> None:
    answer = await school.http.get("/v1/directory/users", params={"cursor": forge(["a\x00b"])})
    assert answer.status_code == 422


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", ""])
async def test_a_limit_out_of_bounds_is_422(school: SchoolClient, limit: str) -> None:
    answer = await school.http.get("/v1/directory/users", params={"limit": limit})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/limit"


async def test_a_list_is_read_whole_page_by_page(school: SchoolClient) -> None:
    await school.push_users(7)
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = await school.read("/v1/directory/users", **query)
        seen += [user["external_id"] for user in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [f"u{number}" for number in range(1, 8)]


def test_ids_sort_by_the_time_they_were_made() -> None:
    ids = [new_id() for _ in range(200)]
    assert ids == sorted(ids)
    assert {each.version for each in ids} == {7}
