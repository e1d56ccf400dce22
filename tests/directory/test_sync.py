"""Pushing records: what changed is counted, and a batch with one fault changes nothing at all."""

from typing import Any

import pytest

from tests.directory.faults import read_faults
from tests.school import SchoolClient

USER = {"external_id": "u1", "email": "ann@school.example", "first_name": "Ann"}
RECORDS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("trainers", {"external_id": "t1", "name": "Tess"}, {"name": "Tessa"}),
    ("categories", {"external_id": "k1", "name": "Yoga"}, {"name": "Pilates"}),
    ("groups", {"external_id": "g1", "name": "Parents"}, {"name": "Families"}),
    ("users", USER, {"last_name": "Bell", "attributes": {"level": 3, "vip": True}}),
    ("memberships", {"external_id": "m1", "group": "g1", "user": "u1"}, {"group": "g1"}),
    (
        "courses",
        {"external_id": "c1", "title": "Spring", "category": "k1", "trainer": "t1", "delivery": "remote"},
        {"delivery": "hybrid", "trainer": None},
    ),
    (
        "enrollments",
        {"external_id": "e1", "user": "u1", "course": "c1", "starts_at": "2026-01-01T00:00:00Z"},
        {"ends_at": "2026-02-01T00:00:00Z", "status": "cancelled"},
    ),
]


async def test_every_resource_is_created_left_alone_and_updated(school: SchoolClient) -> None:
    for resource, record, change in RECORDS:
        created = await school.push(resource, record)
        assert (created["created"], created["updated"], created["unchanged"]) == (1, 0, 0), resource
        again = await school.push(resource, record)
        assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 1), resource
        changed = await school.push(resource, record | change)
        expected = (0, 0, 1) if resource == "memberships" else (0, 1, 0)
        assert (changed["created"], changed["updated"], changed["unchanged"]) == expected, resource
        read = await school.read(f"/v1/directory/{resource}/{record['external_id']}")
        assert read | record | change == read, resource
        assert read["updated_at"] >= read["created_at"]


async def test_one_call_may_create_update_and_leave_alone(school: SchoolClient) -> None:
    await school.push("trainers", {"external_id": "a", "name": "A"}, {"external_id": "b", "name": "B"})
    result = await school.push(
        "trainers",
        {"external_id": "a", "name": "A"},
        {"external_id": "b", "name": "Bee"},
        {"external_id": "c", "name": "C"},
    )
    assert result == {"created": 1, "updated": 1, "unchanged": 1}


async def test_one_bad_item_refuses_the_whole_batch_and_every_fault_is_named(school: SchoolClient) -> None:
    items = [
        USER,
        {"external_id": "u2", "email": "b@school.example", "status": "gone"},
        {"external_id": "u3", "email": "c@school.example", "nickname": "Cee"},
        {"external_id": "u4", "email": "no-address"},
        {"email": "d@school.example", "marketing": "yes"},
    ]
    faults = read_faults(await school.http.put("/v1/directory/users", json={"items": items}))
    assert set(faults) == {
        "/items/1/status",
        "/items/2/nickname",
        "/items/3/email",
        "/items/4/external_id",
        "/items/4/marketing",
    }
    assert "no-address" not in str(faults)
    assert (await school.read("/v1/directory/users"))["items"] == []


async def test_a_record_named_twice_is_refused(school: SchoolClient) -> None:
    items = [{"external_id": name, "name": name} for name in ("a", "b", "a", "c", "a")]
    faults = read_faults(await school.http.put("/v1/directory/groups", json={"items": items}))
    assert set(faults) == {"/items/2/external_id", "/items/4/external_id"}
    assert (await school.read("/v1/directory/groups"))["items"] == []


async def test_unknown_references_are_named(school: SchoolClient, other_school: SchoolClient) -> None:
    await school.push("users", USER)
    await other_school.push("courses", {"external_id": "c9", "title": "Theirs"})
    items = [
        {"external_id": "e1", "user": "u1", "course": "c9", "starts_at": "2026-01-01T00:00:00Z"},
        {"external_id": "e2", "user": "nobody", "course": "c9", "starts_at": "2026-01-01T00:00:00Z"},
    ]
    faults = read_faults(await school.http.put("/v1/directory/enrollments", json={"items": items}))
    assert set(faults) == {"/items/0/course", "/items/1/course", "/items/1/user"}
    courses = {"items": [{"external_id": "c1", "title": "One", "trainer": "t", "category": "k"}]}
    faults = read_faults(await school.http.put("/v1/directory/courses", json=courses))
    assert set(faults) == {"/items/0/trainer", "/items/0/category"}
    members = {"items": [{"external_id": "m1", "group": "g", "user": "u1"}]}
    assert set(read_faults(await school.http.put("/v1/directory/memberships", json=members))) == {
        "/items/0/group"
    }


async def test_the_same_id_is_another_record_in_another_school(
    school: SchoolClient, other_school: SchoolClient
) -> None:
    await school.push("trainers", {"external_id": "t", "name": "Ours"})
    result = await other_school.push("trainers", {"external_id": "t", "name": "Theirs"})
    assert result["created"] == 1
    assert (await school.read("/v1/directory/trainers/t"))["name"] == "Ours"


async def test_a_thousand_items_are_taken_and_one_more_is_not(school: SchoolClient) -> None:
    items = [{"external_id": f"g{number}", "name": "G"} for number in range(1001)]
    faults = read_faults(await school.http.put("/v1/directory/groups", json={"items": items}))
    assert set(faults) == {"/items"}
    assert (await school.push("groups", *items[:1000]))["created"] == 1000
    assert set(read_faults(await school.http.put("/v1/directory/groups", json={"items": []}))) == {"/items"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"{", b'{"items": {}}', b'{"items": [null]}', b"\xff", b"[" * 100_000]
)
async def test_a_body_that_is_no_batch_is_refused(school: SchoolClient, body: bytes) -> None:
    answer = await school.http.put(
        "/v1/directory/groups", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in {400, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_beyond_the_limit_is_too_large(school: SchoolClient) -> None:
    body = b'{"items": [' + b" " * 5 * 1024 * 1024 + b"]}"
    answer = await school.http.put(
        "/v1/directory/groups", content=body, headers={"Content-Type": "application/json"}
    )
    read_faults(answer, 413)
