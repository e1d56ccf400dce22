"""Bookings, passes, subscriptions and orders: what is left out, what is refused, what they refer to."""

from typing import Any

import pytest

from tests.directory.belongings import COMMON
from tests.directory.faults import put_raw, read_faults
from tests.school import SchoolClient

START, END = "2026-03-01T09:00:00Z", "2026-03-01T10:00:00Z"
FULL: dict[str, dict[str, Any]] = {
    "bookings": {
        "user": "u1",
        "course": "c1",
        "trainer": "t1",
        "starts_at": START,
        "ends_at": END,
        "status": "cancelled",
    },
    "passes": {
        "user": "u1",
        "category": "k1",
        "valid_from": START,
        "valid_until": END,
        "credits_left": 3,
        "status": "cancelled",
    },
    "subscriptions": {"user": "u1", "category": "k1", "status": "paused", "current_period_end": END},
    "orders": {"user": "u1", "course": "c1", "placed_at": START, "status": "refunded"},
}
LEAST: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "bookings": (
        {"user": "u1", "course": "c1", "starts_at": START, "ends_at": END},
        {"trainer": None, "status": "confirmed"},
    ),
    "passes": (
        {"user": "u1", "valid_from": START},
        {"category": None, "valid_until": None, "credits_left": None, "status": "active"},
    ),
    "subscriptions": (
        {"user": "u1", "status": "active"},
        {"category": None, "current_period_end": None},
    ),
    "orders": ({"user": "u1", "placed_at": START}, {"course": None, "status": "paid"}),
}
STATUSES = {
    "bookings": {"confirmed", "cancelled"},
    "passes": {"active", "cancelled"},
    "subscriptions": {"active", "trialing", "paused", "cancelled"},
    "orders": {"paid", "refunded", "pending", "cancelled"},
}
each_resource = pytest.mark.parametrize("resource", list(FULL))


async def push_common(school: SchoolClient) -> None:
    """Push what the records refer to."""
    await school.push("users", {"external_id": "u1", "email": "u1@school.example"})
    for resource, record in COMMON:
        await school.push(resource, record)


async def refuse(school: SchoolClient, resource: str, **changes: Any) -> dict[str, str]:
    """Push the full record with these changes; return the faults. Nothing may have been stored."""
    record = {"external_id": "x1"} | FULL[resource] | changes
    faults = read_faults(await put_raw(school.http, f"/v1/directory/{resource}", {"items": [record]}))
    assert (await school.read(f"/v1/directory/{resource}"))["items"] == []
    return faults


@each_resource
async def test_a_record_comes_back_as_it_was_pushed(school: SchoolClient, resource: str) -> None:
    await push_common(school)
    record = {"external_id": "x1"} | FULL[resource]
    assert await school.push(resource, record) == {"created": 1, "updated": 0, "unchanged": 0}
    assert await school.push(resource, record) == {"created": 0, "updated": 0, "unchanged": 1}
    read = await school.read(f"/v1/directory/{resource}/x1")
    assert {name: read[name] for name in record} == record
    assert set(read) == {*record, "created_at", "updated_at"}
    assert (await school.read(f"/v1/directory/{resource}"))["items"] == [read]
    assert (await school.http.delete(f"/v1/directory/{resource}/x1")).status_code == 204
    read_faults(await school.http.get(f"/v1/directory/{resource}/x1"), 404)


@each_resource
async def test_what_is_left_out_has_its_default(school: SchoolClient, resource: str) -> None:
    await push_common(school)
    least, defaults = LEAST[resource]
    await school.push(resource, {"external_id": "x1"} | least)
    read = await school.read(f"/v1/directory/{resource}/x1")
    assert read | least | defaults == read


@each_resource
async def test_what_is_left_out_of_a_later_push_goes_back_to_its_default(
    school: SchoolClient, resource: str
) -> None:
    await push_common(school)
    least, defaults = LEAST[resource]
    await school.push(resource, {"external_id": "x1"} | FULL[resource])
    assert (await school.push(resource, {"external_id": "x1"} | least))["updated"] == 1
    read = await school.read(f"/v1/directory/{resource}/x1")
    assert read | defaults == read


@each_resource
async def test_each_field_that_is_needed_is_named(school: SchoolClient, resource: str) -> None:
    least, _ = LEAST[resource]
    answer = await school.http.put(f"/v1/directory/{resource}", json={"items": [{}]})
    assert set(read_faults(answer)) == {f"/items/0/{name}" for name in ("external_id", *least)}


@each_resource
async def test_every_status_there_is_and_no_other(school: SchoolClient, resource: str) -> None:
    await push_common(school)
    assert set(await refuse(school, resource, status="gone")) == {"/items/0/status"}
    records = [{"external_id": name} | FULL[resource] | {"status": name} for name in STATUSES[resource]]
    assert (await school.push(resource, *records))["created"] == len(records)


@each_resource
async def test_a_field_that_does_not_exist_is_refused(school: SchoolClient, resource: str) -> None:
    await push_common(school)
    assert set(await refuse(school, resource, colour="red")) == {"/items/0/colour"}


@pytest.mark.parametrize(
    ("resource", "field"),
    [(resource, field) for resource, record in FULL.items() for field in record if field in "user course"]
    + [("bookings", "trainer"), ("passes", "category"), ("subscriptions", "category")],
)
async def test_a_reference_must_be_there_in_the_school_itself(
    school: SchoolClient, other_school: SchoolClient, resource: str, field: str
) -> None:
    await push_common(school)
    theirs = {
        "user": ("users", {"email": "x@school.example"}),
        "course": ("courses", {"title": "Theirs"}),
        "trainer": ("trainers", {"name": "Theirs"}),
        "category": ("categories", {"name": "Theirs"}),
    }
    name, record = theirs[field]
    await other_school.push(name, {"external_id": "theirs"} | record)
    assert await refuse(school, resource, **{field: "theirs"}) == {
        f"/items/0/{field}": f"there is no such record in {name}"
    }
    assert set(await refuse(school, resource, **{field: ""})) == {f"/items/0/{field}"}


@pytest.mark.parametrize(
    ("resource", "first", "last"),
    [("bookings", "starts_at", "ends_at"), ("passes", "valid_from", "valid_until")],
)
async def test_nothing_ends_before_it_starts(
    school: SchoolClient, resource: str, first: str, last: str
) -> None:
    await push_common(school)
    early = {last: "2026-03-01T08:59:59.999999Z"}
    assert await refuse(school, resource, **early) == {"/items/0": f"{last} must not be before {first}"}
    # The same instant in another zone is no earlier.
    same = {"external_id": "x1"} | FULL[resource] | {last: "2026-03-01T10:00:00+01:00"}
    await school.push(resource, same)
    assert (await school.read(f"/v1/directory/{resource}/x1"))[last] == START


@pytest.mark.parametrize("credits_left", [-1, 2**31, 1.5, "many"])
async def test_credits_are_a_whole_number_from_nought(school: SchoolClient, credits_left: object) -> None:
    await push_common(school)
    assert set(await refuse(school, "passes", credits_left=credits_left)) == {"/items/0/credits_left"}


@pytest.mark.parametrize("credits_left", [0, 2**31 - 1, None])
async def test_credits_may_be_used_up_or_without_limit(
    school: SchoolClient, credits_left: int | None
) -> None:
    await push_common(school)
    await school.push("passes", {"external_id": "x1"} | FULL["passes"] | {"credits_left": credits_left})
    assert (await school.read("/v1/directory/passes/x1"))["credits_left"] == credits_left


@pytest.mark.parametrize(
    ("resource", "field"),
    [
        ("bookings", "starts_at"),
        ("bookings", "ends_at"),
        ("passes", "valid_from"),
        ("passes", "valid_until"),
        ("subscriptions", "current_period_end"),
        ("orders", "placed_at"),
    ],
)
async def test_an_instant_needs_its_offset(school: SchoolClient, resource: str, field: str) -> None:
    await push_common(school)
    for wrong in ("2026-03-01T09:00:00", "tomorrow", ""):
        assert set(await refuse(school, resource, **{field: wrong})) == {f"/items/0/{field}"}


@pytest.mark.parametrize(
    ("resource", "keeps"),
    [
        ("bookings", ["courses/c1", "trainers/t1"]),
        ("passes", ["categories/k1"]),
        ("subscriptions", ["categories/k1"]),
        ("orders", ["courses/c1"]),
    ],
)
async def test_what_they_refer_to_stays_while_they_do(
    school: SchoolClient, resource: str, keeps: list[str]
) -> None:
    await push_common(school)
    # A course of its own would keep trainer and category by itself.
    await school.push("courses", {"external_id": "c1", "title": "Singing"})
    await school.push(resource, {"external_id": "x1"} | FULL[resource])
    for path in keeps:
        read_faults(await school.http.delete(f"/v1/directory/{path}"), 409)
    assert (await school.http.delete(f"/v1/directory/{resource}/x1")).status_code == 204
    for path in keeps:
        assert (await school.http.delete(f"/v1/directory/{path}")).status_code == 204


@each_resource
async def test_they_go_with_their_user(school: SchoolClient, resource: str) -> None:
    await push_common(school)
    await school.push(resource, {"external_id": "x1"} | FULL[resource])
    assert (await school.http.delete("/v1/directory/users/u1")).status_code == 204
    assert (await school.read(f"/v1/directory/{resource}"))["items"] == []


@each_resource
async def test_another_schools_record_is_not_there(
    school: SchoolClient, other_school: SchoolClient, resource: str
) -> None:
    await push_common(school)
    await school.push(resource, {"external_id": "x1"} | FULL[resource])
    read_faults(await other_school.http.get(f"/v1/directory/{resource}/x1"), 404)
    read_faults(await other_school.http.delete(f"/v1/directory/{resource}/x1"), 404)
    assert (await other_school.read(f"/v1/directory/{resource}"))["items"] == []
