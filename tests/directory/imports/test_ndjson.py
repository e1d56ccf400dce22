"""Files of NDJSON: what is good lands, what is not is listed by line, field and reason."""

import json
from typing import Any

import pytest

from tests.directory.imports.files import (
    check_sums,
    post_file,
    read_rejections,
    read_users,
    send_file,
    to_ndjson,
    user,
)
from tests.school import SchoolClient


async def test_a_file_lands_and_a_second_time_changes_nothing(school: SchoolClient) -> None:
    people = [user(1, first_name="Ann", marketing="subscribed", attributes={"level": 3}), user(2)]
    content = to_ndjson(*people)
    first = await send_file(school, content)
    assert (first["rows_read"], first["created"], first["bytes_read"]) == (2, 2, len(content))
    assert (first["resource"], first["format"], first["status_reason"]) == ("users", "ndjson", None)
    assert (await read_users(school))["u1"] | people[0] == (await read_users(school))["u1"]
    again = await send_file(school, content)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)
    changed = await send_file(school, to_ndjson(people[0] | {"last_name": "Bell"}, people[1]))
    assert (changed["updated"], changed["unchanged"]) == (1, 1)


async def test_the_answer_says_where_the_import_is(school: SchoolClient, other_school: SchoolClient) -> None:
    answer = await post_file(school, to_ndjson(user(1)))
    assert answer.headers["location"] == f"/v1/imports/{answer.json()['id']}"
    assert await school.read(answer.headers["location"]) == answer.json()
    for path in (answer.headers["location"], answer.headers["location"] + "/rejections"):
        assert (await other_school.http.get(path)).status_code == 404
    assert (await other_school.read("/v1/imports"))["items"] == []
    assert await read_users(other_school) == {}


async def test_imports_are_listed_newest_first(school: SchoolClient) -> None:
    sent = [(await send_file(school, to_ndjson(user(n))))["id"] for n in range(5)]
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await school.read("/v1/imports", **query)
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == sent[::-1]


async def test_bad_rows_are_listed_and_good_ones_land(school: SchoolClient) -> None:
    content = b"\n".join(
        [
            json.dumps(user(1)).encode(),
            b"{not json",
            b"",
            b'{"external_id": "u4", "email": "no-address", "status": "gone"}',
            b'{"external_id": "u5", "email": "e@school.example", "nickname": "E", "last_name": "\\u0000"}',
            b"  \t ",
            b'["an", "array"]',
            b'{"external_id": "u8", "email": "\xff@school.example"}',
            json.dumps(user(9, attributes={"deep": {"er": 1}})).encode(),
            json.dumps(user(10)).encode() + b"\r",
        ]
    )
    done = await send_file(school, content)
    assert (done["rows_read"], done["rows_stored"], done["rows_rejected"]) == (8, 2, 6)
    rejections = await read_rejections(school, done)
    assert [(line, field) for line, field, _ in rejections] == [
        (2, ""),
        (4, "email"),
        (4, "status"),
        (5, "last_name"),
        (5, "nickname"),
        (7, ""),
        (8, ""),
        (9, "attributes.deep"),
    ]
    reasons = {line: reason for line, _, reason in rejections}
    assert reasons[8] == "is not valid UTF-8"
    assert "no-address" not in str(rejections)
    assert set(await read_users(school)) == {"u1", "u10"}


async def test_a_row_beyond_the_limit_is_rejected_alone(school: SchoolClient) -> None:
    huge = to_ndjson(user(2, first_name="x" * 1_000_000))
    content = to_ndjson(user(1)) + huge + to_ndjson(user(3))
    pieces = [content[start : start + 10_000] for start in range(0, len(content), 10_000)]
    for body in (content, pieces):
        done = await send_file(school, body)
        assert (done["rows_stored"], done["rows_rejected"]) == (2, 1)
        assert await read_rejections(school, done) == [(2, "", "is longer than 65536 bytes")]
    assert set(await read_users(school)) == {"u1", "u3"}


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_where_the_pieces_are_cut_does_not_matter(school: SchoolClient, size: int) -> None:
    content = b"\xef\xbb\xbf" + to_ndjson(user(1, first_name="Zoë"), user(2))[:-1]
    done = await send_file(school, [content[n : n + size] for n in range(0, len(content), size)])
    assert done["created"] == 2
    assert (await read_users(school))["u1"]["first_name"] == "Zoë"


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
async def test_another_encoding_is_refused_by_name(school: SchoolClient, codec: str) -> None:
    answer = await post_file(school, to_ndjson(user(1)).decode().encode(codec))
    assert answer.status_code == 422, answer.text
    assert "UTF-8" in answer.json()["detail"]
    failed = await school.read(f"/v1/imports/{answer.json()['import_id']}")
    assert (failed["status"], failed["rows_read"]) == ("failed", 0)
    assert "UTF-8" in failed["status_reason"]


@pytest.mark.parametrize("content", [b"", b"\n\n \r\n", b"\xef\xbb\xbf", b"\n"])
async def test_an_empty_file_is_no_rows(school: SchoolClient, content: bytes) -> None:
    assert (await send_file(school, content))["rows_read"] == 0


async def test_a_later_row_of_a_record_updates_it(school: SchoolClient) -> None:
    rows = [user(1, first_name="A", marketing="subscribed"), user(1, first_name="B"), user(1, first_name="B")]
    done = await send_file(school, to_ndjson(*rows, user(2)))
    assert (done["created"], done["updated"], done["unchanged"]) == (2, 1, 1)
    kept = (await read_users(school))["u1"]
    assert (kept["first_name"], kept["marketing"]) == ("B", "subscribed")


async def test_more_rows_than_a_chunk_all_land(school: SchoolClient) -> None:
    rows = [user(n, status="gone") if n % 1000 == 0 else user(n) for n in range(1, 6501)]
    done = await send_file(school, to_ndjson(*rows))
    check_sums(done)
    assert (done["created"], done["rows_rejected"]) == (6494, 6)
    assert [line for line, *_ in await read_rejections(school, done)] == [1000, 2000, 3000, 4000, 5000, 6000]


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("application/json", {}),
        ("", {}),
        ("text/csv; charset=utf-16", {}),
        ("text/csv", {"Content_Encoding": "gzip"}),
    ],
)
async def test_what_cannot_be_read_is_refused(
    school: SchoolClient, kind: str, headers: dict[str, str]
) -> None:
    answer = await post_file(school, b"external_id,email\n", kind=kind, **headers)
    assert answer.status_code == 415, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await school.read("/v1/imports"))["items"] == []


async def test_an_unknown_resource_is_named(school: SchoolClient) -> None:
    answer = await post_file(school, b"", resource="pupils")
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "/resource"
    assert "memberships" in fault["detail"]
