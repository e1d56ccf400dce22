"""What can be merged: every field there is, and the attributes that users of this school have."""

from typing import Any

from app.content.merge import MERGE_FIELDS
from app.drafts.people import MOST_KEYS, SAMPLED
from tests.drafts.composing import preview
from tests.school import SchoolClient


async def _list(school: SchoolClient) -> Any:
    return await school.read("/v1/messages/merge-fields")


async def test_every_field_is_listed_and_can_be_used(school: SchoolClient) -> None:
    listed = await _list(school)
    assert [field["name"] for field in listed["fields"]] == [*MERGE_FIELDS, "attributes.KEY"]
    assert listed["attributes"] == []
    text = "".join(field["syntax"] for field in listed["fields"])
    assert (await preview(school, text=text))["text"]


async def test_attributes_are_those_of_the_school(school: SchoolClient, other_school: SchoolClient) -> None:
    person = {"email": "a@school.example"}
    await school.push(
        "users",
        {"external_id": "a", **person, "attributes": {"city": "Sevilla", "level": 1}},
        {"external_id": "b", **person, "attributes": {"level": None}},
        {"external_id": "c", **person},
    )
    await other_school.push("users", {"external_id": "a", **person, "attributes": {"secret": True}})
    assert (await _list(school))["attributes"] == ["level", "city"]


async def test_a_large_school_is_sampled(school: SchoolClient) -> None:
    keys = [[f"key-{n}-{m}" for m in range(100)] for n in range(3)]
    users: list[dict[str, Any]] = [
        {
            "external_id": f"u{n:04}",
            "email": "a@school.example",
            "attributes": {"level": n},
            "registered_at": "2020-01-01T00:00:00Z",
        }
        for n in range(SAMPLED)
    ]
    many = [user | {"attributes": dict.fromkeys(names, 1)} for user, names in zip(users, keys, strict=False)]
    users += [
        {"external_id": "x1", "email": "a@school.example", "attributes": {"unseen": 1}},
        {
            "external_id": "x2",
            "email": "a@school.example",
            "attributes": {"new": 1, "level": 1},
            "registered_at": "2026-11-01T00:00:00Z",
        },
    ]
    await school.push("users", *users)
    assert (await _list(school))["attributes"] == ["level", "new"]
    await school.push("users", *many)
    listed = (await _list(school))["attributes"]
    assert (listed[0], len(listed), len(set(listed))) == ("level", MOST_KEYS, MOST_KEYS)
