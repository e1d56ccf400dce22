"""What a field may hold: text that PostgreSQL can keep, instants with their offset, flat attributes."""

from typing import Any

import pytest

from tests.directory.faults import put_raw, read_faults
from tests.school import SchoolClient

USER: dict[str, Any] = {"external_id": "u1", "email": "ann@school.example"}
ENROLLMENT = {"external_id": "e1", "user": "u1", "course": "c1", "starts_at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    "text", ["nul\x00", "half \ud800", "x" * 5_000_000], ids=["NUL", "lone surrogate", "huge"]
)
@pytest.mark.parametrize("field", ["external_id", "email", "first_name", "last_name", "locale"])
async def test_text_that_cannot_be_kept_is_refused(school: SchoolClient, field: str, text: str) -> None:
    text = text[:1_000_000]
    answer = await put_raw(school.http, "/v1/directory/users", {"items": [USER | {field: text}]})
    assert set(read_faults(answer)) == {f"/items/0/{field}"}


@pytest.mark.parametrize(
    "value",
    [
        "nul\x00",
        "half \ud800",
        "x" * 10_001,
        {"nested": 1},
        [1],
        10**30,
        -(10**19),
        float("nan"),
        float("inf"),
    ],
    ids=["NUL", "surrogate", "huge", "object", "list", "large", "very negative", "nan", "infinite"],
)
async def test_attributes_hold_scalars_that_json_can_carry(school: SchoolClient, value: Any) -> None:
    answer = await put_raw(
        school.http, "/v1/directory/users", {"items": [USER | {"attributes": {"a": value}}]}
    )
    assert all(pointer.startswith("/items/0/attributes/a") for pointer in read_faults(answer))


@pytest.mark.parametrize(
    "attributes", [{"a key": 1}, {"": 1}, {"k" * 65: 1}, {f"k{n}": n for n in range(101)}]
)
async def test_attribute_names_are_limited(school: SchoolClient, attributes: dict[str, int]) -> None:
    answer = await put_raw(school.http, "/v1/directory/users", {"items": [USER | {"attributes": attributes}]})
    assert all(pointer.startswith("/items/0/attributes") for pointer in read_faults(answer))


async def test_attributes_come_back_as_they_were(school: SchoolClient) -> None:
    attributes = {"text": "é\u2028☕", "whole": 2**53, "part": 1.5, "yes": True, "nothing": None}
    await school.push("users", USER | {"attributes": attributes})
    assert (await school.read("/v1/directory/users/u1"))["attributes"] == attributes
    assert (await school.push("users", USER | {"attributes": attributes}))["unchanged"] == 1


@pytest.mark.parametrize(
    ("pushed", "kept"),
    [
        ("2026-03-29T01:30:00+02:00", "2026-03-28T23:30:00Z"),
        ("2026-03-29T01:30:00Z", "2026-03-29T01:30:00Z"),
        ("2026-03-29T01:30:00.123456-09:30", "2026-03-29T11:00:00.123456Z"),
    ],
)
async def test_instants_are_normalised_to_utc(school: SchoolClient, pushed: str, kept: str) -> None:
    await school.push("users", USER | {"registered_at": pushed})
    assert (await school.read("/v1/directory/users/u1"))["registered_at"] == kept
    assert (await school.push("users", USER | {"registered_at": kept}))["unchanged"] == 1


@pytest.mark.parametrize(
    "instant",
    [
        "2026-03-29T01:30:00",
        "2026-03-29",
        "yesterday",
        "",
        "2026-02-30T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
async def test_what_is_no_instant_is_refused(school: SchoolClient, instant: str) -> None:
    answer = await put_raw(school.http, "/v1/directory/users", {"items": [USER | {"registered_at": instant}]})
    assert set(read_faults(answer)) == {"/items/0/registered_at"}


async def test_an_enrollment_ends_after_it_starts(school: SchoolClient) -> None:
    await school.push("users", USER)
    await school.push("courses", {"external_id": "c1", "title": "One"})
    early = ENROLLMENT | {"ends_at": "2025-12-31T23:59:59Z"}
    faults = read_faults(await school.http.put("/v1/directory/enrollments", json={"items": [early]}))
    assert faults == {"/items/0": "ends_at must not be before starts_at"}
    # The same instant in another zone is no earlier.
    await school.push("enrollments", ENROLLMENT | {"ends_at": "2026-01-01T01:00:00+01:00"})
    assert (await school.read("/v1/directory/enrollments/e1"))["ends_at"] == "2026-01-01T00:00:00Z"


async def test_spaces_around_names_and_addresses_do_not_matter(school: SchoolClient) -> None:
    await school.push("users", {"external_id": "u1", "email": " ann@school.example ", "first_name": " Ann "})
    read = await school.read("/v1/directory/users/u1")
    assert (read["email"], read["first_name"]) == ("ann@school.example", "Ann")
    blank = await school.http.put(
        "/v1/directory/groups", json={"items": [{"external_id": "g", "name": "  "}]}
    )
    assert set(read_faults(blank)) == {"/items/0/name"}
