"""`/v1/api-keys`: shown once, no stronger than their maker, gone at once when revoked."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core.clock import now
from app.core.db import Database
from app.schools.keys import parse_key
from tests.directory.faults import read_faults
from tests.school import SchoolClient


async def _make(school: SchoolClient, **body: Any) -> dict[str, Any]:
    answer = await school.http.post("/v1/api-keys", json={"name": "Sync"} | body)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def _bear(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_key_is_shown_once_and_says_who_made_it(
    school: SchoolClient, public: httpx.AsyncClient
) -> None:
    made = await _make(school, scopes=["directory:write", "directory:read", "directory:read"])
    parts = parse_key(school.key)
    assert parts is not None
    assert made["scopes"] == ["directory:read", "directory:write"]
    assert made["created_by"] == {"kind": "key", "id": str(parts.key_id), "name": "Tests"}
    used = await public.get("/v1/directory/users", headers=_bear(made["key"]))
    assert used.status_code == 200
    listed = (await school.read("/v1/api-keys"))["items"]
    assert [each["name"] for each in listed] == ["Sync", "Tests"]
    assert "key" not in listed[0]
    assert listed[0]["last_used_at"] is not None
    shown = await school.http.get("/v1/api-keys")
    assert made["key"] not in shown.text
    assert made["key"][-43:] not in shown.text


async def test_the_list_pages(school: SchoolClient) -> None:
    names = [(await _make(school, name=f"Key {number}"))["name"] for number in range(3)]
    first = await school.read("/v1/api-keys", limit=2)
    second = await school.read("/v1/api-keys", limit=2, cursor=first["next_cursor"])
    assert [each["name"] for each in first["items"] + second["items"]] == [*reversed(names), "Tests"]
    assert second["next_cursor"] is None
    assert read_faults(await school.http.get("/v1/api-keys", params={"cursor": "x"})).keys() == {"/cursor"}


async def test_no_key_is_stronger_than_its_maker(school: SchoolClient, public: httpx.AsyncClient) -> None:
    weak = await _make(school, name="Weak", scopes=["keys:manage", "campaigns:read"])
    asked = {"name": "Strong", "scopes": ["campaigns:read", "messages:send", "directory:write"]}
    refused = await public.post("/v1/api-keys", json=asked, headers=_bear(weak["key"]))
    read_faults(refused, 403)
    assert refused.json()["detail"] == (
        "A key cannot have what its maker lacks: directory:write, messages:send."
    )
    child = await public.post("/v1/api-keys", json={"name": "Child"}, headers=_bear(weak["key"]))
    assert child.json()["scopes"] == ["campaigns:read", "keys:manage"]
    assert [each["name"] for each in (await school.read("/v1/api-keys"))["items"]] == [
        "Child",
        "Weak",
        "Tests",
    ]


async def test_a_revoked_key_opens_nothing_and_stays_in_the_list(
    school: SchoolClient, other_school: SchoolClient, public: httpx.AsyncClient
) -> None:
    made = await _make(school)
    path = f"/v1/api-keys/{made['id']}"
    read_faults(await other_school.http.delete(path), 404)
    assert (await public.get("/v1/school", headers=_bear(made["key"]))).status_code == 200
    assert (await school.http.delete(path)).status_code == 204
    assert (await public.get("/v1/school", headers=_bear(made["key"]))).status_code == 401
    revoked_at = (await school.read("/v1/api-keys"))["items"][0]["revoked_at"]
    assert revoked_at is not None
    assert (await school.http.delete(path)).status_code == 204
    assert (await school.read("/v1/api-keys"))["items"][0]["revoked_at"] == revoked_at
    actions = [each["action"] for each in (await school.read("/v1/audit"))["items"]]
    assert actions.count("revoke.key") == 1


async def test_a_key_may_end_itself(school: SchoolClient, public: httpx.AsyncClient) -> None:
    made = await _make(school)
    ended = await public.delete(f"/v1/api-keys/{made['id']}", headers=_bear(made["key"]))
    assert ended.status_code == 204
    assert (await public.get("/v1/school", headers=_bear(made["key"]))).status_code == 401


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": "x", "scopes": []}, "/scopes"),
        ({"name": "x", "scopes": ["everything"]}, "/scopes/0"),
        ({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}, "/expires_at"),
        ({"name": "x", "expires_at": "2099-01-01T00:00:00"}, "/expires_at"),
        ({"name": "x", "key": "ck_mine"}, "/key"),
    ],
)
async def test_what_no_key_can_be_is_refused(school: SchoolClient, body: Any, pointer: str) -> None:
    assert read_faults(await school.http.post("/v1/api-keys", json=body)).keys() == {pointer}
    assert len((await school.read("/v1/api-keys"))["items"]) == 1


async def test_a_key_ends_when_it_was_said_to(school: SchoolClient, database: Database) -> None:
    until = (now() + timedelta(days=1)).replace(microsecond=0)
    made = await _make(school, expires_at=until.isoformat())
    assert made["expires_at"] == until.isoformat().replace("+00:00", "Z")


async def test_a_second_spelling_of_a_key_is_none(school: SchoolClient) -> None:
    """Base64 of 64 bytes leaves spare bits in the last character."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    spelled = [key for char in alphabet if parse_key(key := school.key[:-1] + char)]
    assert school.key in spelled
    assert len(spelled) == 4  # as many as the last character has bits of the secret: 2
    assert len({parse_key(key) for key in spelled}) == 4
