"""What every body has in common: text that can be stored, instants in UTC, nothing unknown."""

import pytest

from tests.school import SchoolClient


@pytest.mark.parametrize("name", [r"\u0000", r"a\u0000b", r"\ud800", r"x\udfff"])
async def test_text_that_cannot_be_stored_is_422(school: SchoolClient, name: str) -> None:
    body = f'{{"items": [{{"external_id": "a", "email": "a@x.example", "first_name": "{name}"}}]}}'
    headers = {"Content-Type": "application/json"}
    answer = await school.http.put("/v1/directory/users", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert "a@x.example" not in answer.text
    page = await school.read("/v1/directory/users")
    assert page["items"] == []


async def test_any_other_text_comes_back_as_it_was(school: SchoolClient) -> None:
    name = "Zoë \U0001f9d1\u200d\U0001f3eb Ñandú 李"
    await school.push("users", {"external_id": "a/b?c#d", "email": "a@x.example", "first_name": name})
    (user,) = (await school.read("/v1/directory/users"))["items"]
    assert (user["external_id"], user["first_name"]) == ("a/b?c#d", name)


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00", "2026-01-01", "yesterday", 5.5, None])
async def test_an_instant_has_an_offset(school: SchoolClient, at: object) -> None:
    body = {"items": [{"external_id": "a", "email": "a@x.example", "registered_at": at}]}
    answer = await school.http.put("/v1/directory/users", json=body)
    assert answer.status_code == (200 if at is None else 422)


async def test_instants_are_answered_in_utc(school: SchoolClient) -> None:
    at = "2026-07-01T02:30:00+02:00"
    await school.push("users", {"external_id": "a", "email": "a@x.example", "registered_at": at})
    assert (await school.read("/v1/directory/users/a"))["registered_at"] == "2026-07-01T00:30:00Z"


async def test_unknown_fields_are_422(school: SchoolClient) -> None:
    body = {"items": [{"external_id": "a", "email": "a@x.example", "nickname": "A"}], "more": 1}
    answer = await school.http.put("/v1/directory/users", json=body)
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/items/0/nickname", "/more"}
