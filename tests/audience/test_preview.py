"""`/v1/audiences`: the preview's sums, its sample, its refusals, and the catalogue of filters."""

from contextlib import AsyncExitStack
from typing import Any

import pytest
from pydantic import ValidationError

from app.audience import preview, resolve
from app.audience.audience import Audience
from tests.directory.faults import read_faults
from tests.school import SchoolClient

KINDS = {
    "active_users",
    "current_enrollments",
    "ended_enrollments",
    "group",
    "ongoing_enrollments",
    "upcoming_enrollments",
}
EVERYBODY = {"audience": {"filter": {"kind": "active_users"}}, "message_type": "marketing"}


async def _preview(school: SchoolClient, **changes: Any) -> dict[str, Any]:
    answer = await school.http.post("/v1/audiences/preview", json=EVERYBODY | changes)
    assert answer.status_code == 200, answer.text
    preview: dict[str, Any] = answer.json()
    assert preview["matched"] == preview["recipients"] + sum(preview["excluded"].values())
    return preview


async def test_everyone_matched_is_accounted_for(school: SchoolClient) -> None:
    await school.push_users(13)
    await school.push(
        "users",
        {"external_id": "no", "email": "no@school.example", "marketing": "unsubscribed"},
        {"external_id": "twin", "email": "USER1@school.example"},
        {"external_id": "odd", "email": "josé@school.example"},
        {"external_id": "away", "email": "away@school.example", "status": "inactive"},
    )
    preview = await _preview(school)
    assert (preview["matched"], preview["recipients"]) == (16, 13)
    assert preview["excluded"] == {
        "unsubscribed": 1,
        "suppressed": 0,
        "duplicate_address": 1,
        "unsendable_address": 1,
        "erased": 0,
    }
    assert len(preview["sample"]) == 10
    assert {"user": "u2", "name": "First2", "email": "user2@school.example"} in preview["sample"]
    assert not {"no", "twin", "odd", "away"} & {person["user"] for person in preview["sample"]}
    assert (await _preview(school, message_type="operational"))["recipients"] == 14


async def test_an_audience_of_nobody_is_counted_too(school: SchoolClient) -> None:
    preview = await _preview(school)
    assert (preview["matched"], preview["recipients"], preview["sample"]) == (0, 0, [])


async def test_the_schools_rule_on_opting_in_applies(school: SchoolClient) -> None:
    await school.push_users(2)
    await school.push("users", {"external_id": "yes", "email": "y@school.example", "marketing": "subscribed"})
    assert (await school.http.patch("/v1/school", json={"require_opt_in": True})).status_code == 200
    preview = await _preview(school)
    assert (preview["recipients"], preview["excluded"]["unsubscribed"]) == (1, 2)


@pytest.mark.parametrize(
    ("audience", "pointer"),
    [
        ({}, "/audience"),
        ({"filter": None}, "/audience"),
        ({"filter": {}}, "/audience/filter"),
        ({"filter": "active_users"}, "/audience/filter"),
        ({"filter": []}, "/audience/filter"),
        ({"filter": {"kind": "everybody"}}, "/audience/filter"),
        ({"filter": {"kind": ["active_users"]}}, "/audience/filter"),
        ({"filter": {"kind": "active_users", "days": 3}}, "/audience/filter/days"),
        ({"filter": {"kind": "group"}}, "/audience/filter/group"),
        ({"filter": {"kind": "group", "group": ""}}, "/audience/filter/group"),
        ({"filter": {"kind": "group", "group": 7}}, "/audience/filter/group"),
        ({"filter": {"kind": "group", "group": "nul\x00"}}, "/audience/filter/group"),
        ({"filter": {"kind": "active_users"}, "extra": 1}, "/audience/extra"),
    ],
)
async def test_a_wrong_audience_is_refused_where_it_is_wrong(
    school: SchoolClient, audience: dict[str, Any], pointer: str
) -> None:
    body = EVERYBODY | {"audience": audience}
    assert set(read_faults(await school.http.post("/v1/audiences/preview", json=body))) == {pointer}
    with pytest.raises(ValidationError):
        Audience.model_validate(audience)


async def test_an_unknown_kind_is_told_which_there_are(school: SchoolClient) -> None:
    body = EVERYBODY | {"audience": {"filter": {"kind": "everybody"}}}
    (detail,) = read_faults(await school.http.post("/v1/audiences/preview", json=body)).values()
    assert all(kind in detail for kind in KINDS)


@pytest.mark.parametrize("message_type", [None, "spam", ""])
async def test_the_message_type_is_needed(school: SchoolClient, message_type: str | None) -> None:
    body = EVERYBODY | {"message_type": message_type}
    faults = read_faults(await school.http.post("/v1/audiences/preview", json=body))
    assert set(faults) == {"/message_type"}


async def test_the_catalogue_describes_every_kind(school: SchoolClient) -> None:
    filters = (await school.read("/v1/audiences/filters"))["filters"]
    described = {each["kind"]: each for each in filters}
    assert set(described) >= KINDS
    for each in filters:
        assert each["title"]
        assert each["description"]
        assert each["parameters"]["type"] == "object"
        assert each["parameters"]["additionalProperties"] is False
        assert "kind" not in each["parameters"]["properties"]
    group = described["group"]["parameters"]
    assert group["required"] == ["group"]
    assert (group["properties"]["group"]["type"], group["properties"]["group"]["minLength"]) == ("string", 1)
    assert described["active_users"]["parameters"]["properties"] == {}


def test_an_audience_reads_back_as_it_was_written() -> None:
    part = {"kind": "upcoming_bookings", "from": "2026-01-01T00:00:00Z", "within_days": 7}
    combined = {"kind": "none_of", "filters": [{"kind": "group", "group": "g1"}, part]}
    written = {"filter": {"kind": "all_of", "filters": [combined, part]}, "narrow": {"trainers": ["t1"]}}
    assert Audience.model_validate(written).model_dump(mode="json", exclude_unset=True) == written


async def test_large_schools_take_turns_and_small_ones_do_not_wait(
    school: SchoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were all connections of a process counting, no other school would be served meanwhile."""
    await school.push_users(2)
    asked = {"audience": {"filter": {"kind": "active_users"}}, "message_type": "operational"}
    async with AsyncExitStack() as others:
        for _ in range(preview.MOST_AT_ONCE):
            await others.enter_async_context(preview._places)
        assert (await school.http.post("/v1/audiences/preview", json=asked)).status_code == 200
        monkeypatch.setattr(resolve, "_MANY", 2)
        refused = await school.http.post("/v1/audiences/preview", json=asked)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert await school.send(message_type="operational", expected_recipients=2)
    answer = await school.http.post("/v1/audiences/preview", json=asked)
    assert (answer.status_code, answer.json()["recipients"]) == (200, 2)
