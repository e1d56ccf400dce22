"""Reading and removing: pages by cursor, single records by the platform's own id."""

import base64
from urllib.parse import quote

import pytest

from tests.directory.faults import read_faults
from tests.school import SchoolClient


def _cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


async def test_pages_show_every_record_once_in_order(
    school: SchoolClient, other_school: SchoolClient
) -> None:
    names = ["B", "a", "b", "ä", "10", "9"]
    await school.push("groups", *({"external_id": name, "name": name} for name in names))
    await other_school.push("groups", {"external_id": "theirs", "name": "Theirs"})
    seen: list[str] = []
    cursor: str | None = None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = await school.read("/v1/directory/groups", **query)
        seen += [item["external_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(names, key=str.encode)


async def test_a_full_last_page_has_no_next(school: SchoolClient) -> None:
    await school.push("groups", *({"external_id": str(n), "name": "G"} for n in range(50)))
    page = await school.read("/v1/directory/groups")
    assert (len(page["items"]), page["next_cursor"]) == (50, None)


@pytest.mark.parametrize("limit", [0, 201, -1, "many"])
async def test_a_page_has_one_to_two_hundred_items(school: SchoolClient, limit: int | str) -> None:
    answer = await school.http.get("/v1/directory/users", params={"limit": limit})
    assert set(read_faults(answer)) == {"/limit"}


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "é",
        "%%%",
        _cursor("{}"),
        _cursor("[]"),
        _cursor('["a", "b"]'),
        _cursor('["a\\u0000"]'),
        "x" * 2001,
    ],
)
async def test_a_cursor_that_no_list_gave_is_refused(school: SchoolClient, cursor: str) -> None:
    answer = await school.http.get("/v1/directory/users", params={"cursor": cursor})
    assert set(read_faults(answer)) == {"/cursor"}


@pytest.mark.parametrize("name", ["plain", "with space", "ü/ñ", "a/b", "50%", "q?x=1#y", "..", "☕"])
async def test_any_id_can_be_read_and_removed(school: SchoolClient, name: str) -> None:
    await school.push("groups", {"external_id": name, "name": "G"})
    path = f"/v1/directory/groups/{quote(name, safe='')}"
    if name == "..":
        path = "/v1/directory/groups/%2E%2E"
    assert (await school.read(path))["external_id"] == name
    assert (await school.http.delete(path)).status_code == 204
    read_faults(await school.http.get(path), 404)


async def test_what_is_not_there_is_not_found(school: SchoolClient) -> None:
    for resource in ("users", "groups", "courses"):
        read_faults(await school.http.get(f"/v1/directory/{resource}/nobody"), 404)
    read_faults(await school.http.delete("/v1/directory/groups/nobody"), 404)
    read_faults(await school.http.get("/v1/directory/planets"), 404)


@pytest.mark.parametrize("name", ["nul%00", "x" * 256])
async def test_what_cannot_be_an_id_is_refused(school: SchoolClient, name: str) -> None:
    assert set(read_faults(await school.http.get(f"/v1/directory/users/{name}"))) == {"/external_id"}
    assert set(read_faults(await school.http.delete(f"/v1/directory/groups/{name}"))) == {"/external_id"}


async def test_what_others_refer_to_stays(school: SchoolClient) -> None:
    await school.push("trainers", {"external_id": "t1", "name": "Tess"})
    await school.push("users", {"external_id": "u1", "email": "a@school.example"})
    await school.push("courses", {"external_id": "c1", "title": "One", "trainer": "t1"})
    await school.push(
        "enrollments",
        {"external_id": "e1", "user": "u1", "course": "c1", "starts_at": "2026-01-01T00:00:00Z"},
    )
    for path in ("trainers/t1", "courses/c1"):
        read_faults(await school.http.delete(f"/v1/directory/{path}"), 409)
        await school.read(f"/v1/directory/{path}")
    for path in ("enrollments/e1", "courses/c1", "trainers/t1"):
        assert (await school.http.delete(f"/v1/directory/{path}")).status_code == 204


async def test_a_group_takes_its_memberships_along(school: SchoolClient) -> None:
    await school.push("users", {"external_id": "u1", "email": "a@school.example"})
    await school.push("groups", {"external_id": "g1", "name": "G"})
    await school.push("memberships", {"external_id": "m1", "group": "g1", "user": "u1"})
    assert (await school.http.delete("/v1/directory/groups/g1")).status_code == 204
    assert (await school.read("/v1/directory/memberships"))["items"] == []
    await school.read("/v1/directory/users/u1")


async def test_another_schools_record_is_not_there(school: SchoolClient, other_school: SchoolClient) -> None:
    await school.push("groups", {"external_id": "g1", "name": "Ours"})
    read_faults(await other_school.http.get("/v1/directory/groups/g1"), 404)
    read_faults(await other_school.http.delete("/v1/directory/groups/g1"), 404)
    assert (await school.read("/v1/directory/groups/g1"))["name"] == "Ours"
