"""What the document says is what is answered: faults that schemathesis found, each with its request."""

from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/u/x", {"GET", "HEAD", "POST"}),
        ("/v1/school", {"GET", "PATCH"}),
        ("/v1/directory/users", {"GET", "PUT"}),
        ("/v1/directory/users/u1", {"GET", "DELETE"}),
        ("/webhooks/ses", {"POST"}),
        ("/v1/suppressions/remove", {"POST"}),
    ],
)
async def test_a_405_names_every_method_of_the_path(
    public: httpx.AsyncClient, path: str, allowed: set[str]
) -> None:
    answer = await public.request("OPTIONS", path)
    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("value", ["0.5", "1700000000", "2026-01-01"])
async def test_an_instant_is_no_count_of_seconds(school: SchoolClient, value: str) -> None:
    answer = await school.http.get("/v1/campaigns", params={"sent_before": value})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/sent_before"


AUDIENCE: dict[str, Any] = {"filter": {"kind": "active_users"}}
USER = {"external_id": "u1", "email": "u1@school.example"}
PASS = {"external_id": "p1", "user": "u1", "valid_from": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("method", "path", "body", "pointer"),
    [
        (
            "POST",
            "/v1/mailing-lists",
            {"name": "L", "audience": AUDIENCE | {"narrow": {"exclude_remote_courses": 0}}},
            "/audience/narrow/exclude_remote_courses",
        ),
        ("POST", "/v1/messages", MESSAGE | {"track_opens": "no"}, "/track_opens"),
        ("POST", "/v1/messages", MESSAGE | {"expected_recipients": "5"}, "/expected_recipients"),
        ("POST", "/v1/messages", MESSAGE | {"send_at": 1900000000}, "/send_at"),
        ("PATCH", "/v1/school", {"require_opt_in": 1}, "/require_opt_in"),
        ("PATCH", "/v1/school", {"guard_bounce_rate": "0.5"}, "/guard_bounce_rate"),
        ("PATCH", "/v1/school", {"guard_minimum": True}, "/guard_minimum"),
        ("PUT", "/v1/directory/users", {"items": [USER | {"registered_at": 0}]}, "/items/0/registered_at"),
        ("PUT", "/v1/directory/passes", {"items": [PASS | {"credits_left": "8"}]}, "/items/0/credits_left"),
    ],
)
async def test_a_value_of_another_type_is_refused(
    school: SchoolClient, method: str, path: str, body: dict[str, Any], pointer: str
) -> None:
    faults = read_faults(await school.http.request(method, path, json=body))
    assert any(each.startswith(pointer) for each in faults), faults


async def test_delete_of_a_path_that_takes_post_alone_is_405(school: SchoolClient) -> None:
    answer = await school.http.delete("/v1/suppressions/remove")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


async def test_that_no_connection_is_free_is_503(
    app: FastAPI, school: SchoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = app.state.database
    monkeypatch.setattr(database.engine.pool, "_timeout", 0.01)
    async with AsyncExitStack() as stack:
        for _ in range(database.engine.pool.size()):
            await stack.enter_async_context(database.connection())
        answer = await school.http.get("/v1/school")
    assert read_faults(answer, 503) == {}
    assert answer.headers["Retry-After"] == "2"
