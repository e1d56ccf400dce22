"""Files of CSV: quoted cells, line breaks in them, headers right and wrong."""

from typing import Any

import pytest

from tests.directory.imports.files import CSV, post_file, read_rejections, read_users, send_file
from tests.school import SchoolClient


async def _send(school: SchoolClient, text: str | bytes, resource: str = "users") -> dict[str, Any]:
    content = text if isinstance(text, bytes) else text.encode()
    whole = await send_file(school, content, resource=resource, kind=CSV)
    # Where a body is cut into pieces changes nothing.
    pieces = [content[n : n + 3] for n in range(0, len(content), 3)]
    again = await send_file(school, pieces, resource=resource, kind=CSV)
    assert again["unchanged"] == again["rows_stored"] == whole["rows_stored"]
    assert await read_rejections(school, again) == await read_rejections(school, whole)
    return whole


async def test_cells_become_fields(school: SchoolClient) -> None:
    text = (
        "external_id, email ,first_name,registered_at,marketing,attributes.level,attributes.city\r\n"
        'u1,ann@school.example,"Ann ""A"", the first",2026-01-01T10:00:00+01:00,subscribed,3,Sevilla\r\n'
        "\r\n"
        'u2,bob@school.example,"two\r\nlines",,,,\r\n'
        '"u3","cee@school.example","",,,"a,b",'
    )
    done = await _send(school, text)
    assert (done["rows_read"], done["created"]) == (3, 3)
    users = await read_users(school)
    assert users["u1"]["first_name"] == 'Ann "A", the first'
    assert users["u1"]["registered_at"] == "2026-01-01T09:00:00Z"
    assert users["u1"]["attributes"] == {"level": "3", "city": "Sevilla"}
    assert (users["u2"]["first_name"], users["u2"]["marketing"]) == ("two\nlines", "unset")
    assert (users["u3"]["first_name"], users["u3"]["attributes"]) == ("", {"level": "a,b"})


async def test_an_empty_cell_leaves_a_preference_as_it_is(school: SchoolClient) -> None:
    header = "external_id,email,marketing\n"
    await send_file(school, f"{header}u1,a@school.example,subscribed\n".encode(), kind=CSV)
    done = await send_file(school, f"{header}u1,a@school.example,\n".encode(), kind=CSV)
    assert done["unchanged"] == 1
    assert (await read_users(school))["u1"]["marketing"] == "subscribed"


async def test_a_byte_order_mark_is_no_part_of_the_header(school: SchoolClient) -> None:
    done = await _send(school, b"\xef\xbb\xbfexternal_id,name\ng1,Parents\n", "groups")
    assert done["created"] == 1


async def test_bad_rows_are_listed_with_the_line_they_begin_on(school: SchoolClient) -> None:
    text = (
        b"external_id,email,first_name\n"
        b"u1,a@school.example,Ann\n"
        b"u2,b@school.example\n"
        b'u3,c@school.example,"two\nlines",more\n'
        b"u4,d@school.example,\xff\n"
        b"u5,e@school.example,nul\x00\n"
        b",f@school.example,F\n"
        b'u7,g@school.example,"G"x\n'
        b"u8,h@school.example,5 o'clock \"sharp\n"
        b"u9,i@school.example,I"
    )
    done = await _send(school, text)
    assert (done["rows_read"], done["rows_stored"]) == (9, 3)
    rejections = await read_rejections(school, done)
    assert [(line, field) for line, field, _ in rejections] == [
        (3, ""),
        (4, ""),
        (6, ""),
        (7, "first_name"),
        (8, "external_id"),
        (9, ""),
    ]
    reasons = [reason for *_, reason in rejections]
    assert reasons[0] == "is not valid CSV: it has 2 cells where the header has 3"
    assert reasons[1].endswith("(lines 4 to 5: is a quote missing?)")
    assert reasons[2] == "is not valid UTF-8"
    assert (await read_users(school))["u8"]["first_name"] == "5 o'clock \"sharp"


@pytest.mark.parametrize("cell", ["x" * 1_000_000, "x,y\nu9,evil@school.example,Evil\n" * 30_000])
async def test_a_huge_row_is_rejected_whole_and_the_rest_goes_on(school: SchoolClient, cell: str) -> None:
    text = (
        "external_id,email,first_name\n"
        "u1,a@school.example,Ann\n"
        f'u2,b@school.example,"{cell}"\n'
        "u3,c@school.example,Cee\n"
    )
    content = text.encode()
    for body in (content, [content[n : n + 65536] for n in range(0, len(content), 65536)]):
        done = await send_file(school, body, kind=CSV)
        assert (done["rows_read"], done["rows_rejected"]) == (3, 1)
        assert await read_rejections(school, done) == [(3, "", "is longer than 65536 bytes")]
        # What stands within quotes is never taken for rows.
        assert set(await read_users(school)) == {"u1", "u3"}


async def test_a_quote_that_is_never_closed_is_told(school: SchoolClient) -> None:
    text = 'external_id,name\ng1,One\ng2,"Two\ng3,Three\ng4,Four\n'
    done = await _send(school, text, "groups")
    assert (done["rows_stored"], done["rows_rejected"]) == (1, 1)
    ((line, _, reason),) = await read_rejections(school, done)
    assert line == 3
    assert reason == "opens a quote that is never closed: all up to line 5 was read as this row"


@pytest.mark.parametrize(
    ("header", "pointers"),
    [
        ("external_id,email,nickname", {"/header/nickname"}),
        ("external_id,first_name", {"/header/email"}),
        ("external_id,email,email", {"/header/email"}),
        ("external_id,email,", {"/header/"}),
        ("external_id,email,attributes", {"/header/attributes"}),
        (
            "external_id,email,attributes.a key,attributes.",
            {"/header/attributes.a key", "/header/attributes."},
        ),
        ("External_Id,email", {"/header/External_Id", "/header/external_id"}),
        (
            "u1,a@school.example",
            {"/header/u1", "/header/a@school.example", "/header/external_id", "/header/email"},
        ),
    ],
)
async def test_a_wrong_header_stores_nothing_and_names_each_column(
    school: SchoolClient, header: str, pointers: set[str]
) -> None:
    answer = await post_file(school, f"{header}\nu1,a@school.example,x\n".encode(), kind=CSV)
    assert answer.status_code == 422, answer.text
    assert {fault["pointer"] for fault in answer.json()["errors"]} == pointers
    failed = await school.read(f"/v1/imports/{answer.json()['import_id']}")
    assert (failed["status"], failed["rows_read"]) == ("failed", 0)
    assert failed["status_reason"].startswith("The header row is not right")
    assert await read_users(school) == {}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"external_id;name\ng1;One\n", "semicolons"),
        (b"external_id\tname\ng1\tOne\n", "tabs"),
        (b"external_id,name\rg1,One\r", "carriage returns"),
        (b'external_id,"name\ng1,One\n', "never closed"),
        (b'external_id,"na"me\ng1,One\n', "not valid CSV"),
        (b"external_id,na\xffme\ng1,One\n", "not valid CSV"),
        (b"x" * 100_000 + b"\n", "longer"),
    ],
)
async def test_what_has_no_header_says_why(school: SchoolClient, content: bytes, word: str) -> None:
    answer = await post_file(school, content, resource="groups", kind=CSV)
    assert answer.status_code == 422, answer.text
    assert word in answer.json()["detail"]
    assert (await school.read("/v1/directory/groups"))["items"] == []
