"""`/v1/mailing-lists`: saved under a name of its own, checked like any audience, seen by its school alone."""

from typing import Any
from uuid import uuid4

import pytest

from tests.directory.faults import read_faults
from tests.school import SchoolClient

PATH = "/v1/mailing-lists"
EVERYBODY = {"filter": {"kind": "active_users"}}


async def create(school: SchoolClient, name: str, audience: dict[str, Any] | None = None) -> dict[str, Any]:
    """Save a list; it must be good."""
    answer = await school.http.post(PATH, json={"name": name, "audience": audience or EVERYBODY})
    assert answer.status_code == 201, answer.text
    saved: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{PATH}/{saved['id']}"
    return saved


async def test_a_list_is_saved_read_changed_and_removed(school: SchoolClient) -> None:
    audience = {
        "filter": {"kind": "any_of", "filters": [{"kind": "active_users"}, {"kind": "ongoing_enrollments"}]},
        "narrow": {"preferences": ["marketing"]},
    }
    saved = await create(school, " Friends ", audience)
    assert (saved["name"], saved["audience"]) == ("Friends", audience)
    path = f"{PATH}/{saved['id']}"
    assert await school.read(path) == saved
    changed = await school.http.put(path, json={"name": "Fans", "audience": EVERYBODY})
    assert changed.status_code == 200, changed.text
    assert changed.json() == await school.read(path)
    assert changed.json() | {"updated_at": 0} == saved | {
        "name": "Fans",
        "audience": EVERYBODY,
        "updated_at": 0,
    }
    assert changed.json()["updated_at"] > saved["updated_at"]
    assert (await school.http.delete(path)).status_code == 204
    read_faults(await school.http.get(path), 404)
    assert (await school.read(PATH))["items"] == []


async def test_pages_show_every_list_once_by_name(school: SchoolClient, other_school: SchoolClient) -> None:
    names = ["delta", "Alpha", "alpha", "charlie", "bravo"]
    for name in names:
        await create(school, name)
    await create(other_school, "theirs")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await school.read(PATH, **query)
        seen += [each["name"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert sorted(seen) == sorted(names)
    assert [name.lower() for name in seen] == sorted(name.lower() for name in names)
    assert set(read_faults(await school.http.get(PATH, params={"cursor": "x"}))) == {"/cursor"}


async def test_a_name_is_one_lists_own(school: SchoolClient, other_school: SchoolClient) -> None:
    await create(school, "Friends")
    await create(other_school, "Friends")
    fans = await create(school, "Fans")
    again = await school.http.post(PATH, json={"name": "Friends", "audience": EVERYBODY})
    read_faults(again, 409)
    read_faults(
        await school.http.put(f"{PATH}/{fans['id']}", json={"name": "Friends", "audience": EVERYBODY}), 409
    )
    same = await school.http.put(f"{PATH}/{fans['id']}", json={"name": "Fans", "audience": EVERYBODY})
    assert same.status_code == 200
    assert [each["name"] for each in (await school.read(PATH))["items"]] == ["Fans", "Friends"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"audience": EVERYBODY}, "/name"),
        ({"name": "", "audience": EVERYBODY}, "/name"),
        ({"name": "x" * 256, "audience": EVERYBODY}, "/name"),
        ({"name": "A"}, "/audience"),
        ({"name": "A", "audience": {}}, "/audience/filter"),
        ({"name": "A", "audience": {"filter": {"kind": "everybody"}}}, "/audience/filter"),
        ({"name": "A", "audience": {"filter": {"kind": "group"}}}, "/audience/filter/group"),
        (
            {"name": "A", "audience": {"filter": {"kind": "group", "group": "gone"}}},
            "/audience/filter/group",
        ),
        (
            {"name": "A", "audience": EVERYBODY | {"narrow": {"trainers": ["nobody"]}}},
            "/audience/narrow/trainers/0",
        ),
        ({"name": "A", "audience": EVERYBODY | {"narrow": {"colour": 1}}}, "/audience/narrow/colour"),
        (
            {"name": "A", "audience": EVERYBODY | {"mailing_list_id": str(uuid4())}},
            "/audience/mailing_list_id",
        ),
        ({"name": "A", "audience": EVERYBODY, "colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_list_is_refused_where_it_is_wrong(
    school: SchoolClient, body: dict[str, Any], pointer: str
) -> None:
    saved = await create(school, "Before")
    for answer in (
        await school.http.post(PATH, json=body),
        await school.http.put(f"{PATH}/{saved['id']}", json=body),
    ):
        assert set(read_faults(answer)) == {pointer}
    assert (await school.read(PATH))["items"] == [saved]


async def test_a_list_never_refers_to_another(school: SchoolClient) -> None:
    first = await create(school, "First")
    body = {"name": "Second", "audience": {"mailing_list_id": first["id"]}}
    assert "/audience/mailing_list_id" in read_faults(await school.http.post(PATH, json=body))


async def test_another_schools_list_is_not_there(school: SchoolClient, other_school: SchoolClient) -> None:
    saved = await create(school, "Ours")
    path = f"{PATH}/{saved['id']}"
    read_faults(await other_school.http.get(path), 404)
    read_faults(await other_school.http.put(path, json={"name": "A", "audience": EVERYBODY}), 404)
    read_faults(await other_school.http.delete(path), 404)
    assert (await other_school.read(PATH))["items"] == []
    assert await school.read(path) == saved
    read_faults(await school.http.get(f"{PATH}/{uuid4()}"), 404)
    read_faults(await school.http.get(f"{PATH}/first"), 422)
