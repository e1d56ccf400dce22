"""Scopes: every route of the API asks for its own, none is left open, and no other scope replaces it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.directory import registry
from app.schools.keys import create_key
from app.schools.scopes import ALL_SCOPES, Scope
from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient

ITEM = {"items": [{"external_id": "x1", "name": "X"}]}
RESOURCES = [resource.name for resource in registry.RESOURCES]
ROUTES: dict[tuple[str, str], Scope | tuple[Scope, ...]] = {
    ("GET", "/v1/school"): (),
    ("PATCH", "/v1/school"): Scope.KEYS_MANAGE,
    ("GET", "/v1/audiences/filters"): Scope.MESSAGES_SEND,
    ("POST", "/v1/audiences/preview"): Scope.MESSAGES_SEND,
    ("POST", "/v1/messages"): Scope.MESSAGES_SEND,
    ("GET", "/v1/messages/merge-fields"): Scope.MESSAGES_SEND,
    ("POST", "/v1/messages/preview"): Scope.MESSAGES_SEND,
    ("POST", "/v1/messages/test"): Scope.MESSAGES_SEND,
    ("POST", "/v1/mailing-lists"): Scope.MESSAGES_SEND,
    ("GET", "/v1/mailing-lists"): Scope.MESSAGES_SEND,
    **{(method, "/v1/mailing-lists/{list_id}"): Scope.MESSAGES_SEND for method in ("GET", "PUT", "DELETE")},
    ("GET", "/v1/campaigns"): Scope.CAMPAIGNS_READ,
    ("GET", "/v1/campaigns/{campaign_id}"): Scope.CAMPAIGNS_READ,
    ("GET", "/v1/campaigns/{campaign_id}/recipients"): Scope.CAMPAIGNS_READ,
    ("GET", "/v1/campaigns/{campaign_id}/exclusions"): Scope.CAMPAIGNS_READ,
    ("GET", "/v1/campaigns/{campaign_id}/content"): Scope.CAMPAIGNS_READ,
    ("PATCH", "/v1/campaigns/{campaign_id}"): Scope.CAMPAIGNS_WRITE,
    **{
        ("POST", f"/v1/campaigns/{{campaign_id}}/{move}"): Scope.CAMPAIGNS_WRITE
        for move in ("pause", "resume", "send-now", "cancel", "retry-failed")
    },
    **{("PUT", f"/v1/directory/{name}"): Scope.DIRECTORY_WRITE for name in RESOURCES},
    **{("GET", f"/v1/directory/{name}"): Scope.DIRECTORY_READ for name in RESOURCES},
    **{("GET", f"/v1/directory/{name}/{{external_id}}"): Scope.DIRECTORY_READ for name in RESOURCES},
    **{("DELETE", f"/v1/directory/{name}/{{external_id}}"): Scope.DIRECTORY_WRITE for name in RESOURCES},
    ("GET", "/v1/directory/users/{external_id}/preferences"): Scope.DIRECTORY_READ,
    ("PATCH", "/v1/directory/users/{external_id}/preferences"): Scope.PREFERENCES_WRITE,
    ("GET", "/v1/suppressions"): Scope.DIRECTORY_READ,
    ("POST", "/v1/suppressions"): Scope.PREFERENCES_WRITE,
    ("POST", "/v1/suppressions/remove"): Scope.PREFERENCES_WRITE,
    ("DELETE", "/v1/suppressions/{suppression_id}"): Scope.PREFERENCES_WRITE,
    ("POST", "/v1/imports"): Scope.DIRECTORY_WRITE,
    ("GET", "/v1/imports"): Scope.DIRECTORY_READ,
    ("GET", "/v1/imports/{import_id}"): Scope.DIRECTORY_READ,
    ("GET", "/v1/imports/{import_id}/rejections"): Scope.DIRECTORY_READ,
    # It holds what campaigns know as well.
    ("GET", "/v1/directory/users/{external_id}/export"): (Scope.DIRECTORY_READ, Scope.CAMPAIGNS_READ),
}
NAMED_BY_UUID = ("campaign_id", "list_id", "import_id", "suppression_id")
BODIES: dict[str, Any] = {
    "/v1/school": {"name": "Changed"},
    "/v1/messages": MESSAGE,
    "/v1/messages/preview": MESSAGE,
    "/v1/messages/test": MESSAGE | {"to": []},
    "/v1/audiences/preview": {"audience": MESSAGE["audience"], "message_type": "marketing"},
    "/v1/campaigns/{campaign_id}": {"name": "Changed"},
    **{f"/v1/directory/{name}": ITEM for name in ("trainers", "categories", "groups")},
    "/v1/directory/users/{external_id}/preferences": {"marketing": "subscribed"},
    **{
        path: {"items": [{"address": "x@school.example"}]}
        for path in ("/v1/suppressions", "/v1/suppressions/remove")
    },
    "/v1/directory/users": {"items": [{"external_id": "x1", "email": "x@school.example"}]},
    "/v1/directory/memberships": {"items": [{"external_id": "x1", "group": "g", "user": "u"}]},
    "/v1/directory/courses": {"items": [{"external_id": "x1", "title": "X"}]},
    "/v1/directory/enrollments": {
        "items": [{"external_id": "x1", "user": "u", "course": "c", "starts_at": "2026-01-01T00:00:00Z"}]
    },
    "/v1/mailing-lists": {"name": "A", "audience": MESSAGE["audience"]},
    "/v1/mailing-lists/{list_id}": {"name": "A", "audience": MESSAGE["audience"]},
}


async def _call(
    public: httpx.AsyncClient,
    database: Database,
    school: SchoolClient,
    route: tuple[str, str],
    scopes: tuple[Scope, ...],
) -> httpx.Response:
    async with database.system_transaction() as session:
        _, key = await create_key(session, school_id=school.id, name="Scoped", scopes=scopes)
    method, path = route
    url = path.format(external_id="nothing", **{name: uuid4() for name in NAMED_BY_UUID})
    body = BODIES.get(path) if method != "GET" else None
    return await public.request(method, url, json=body, headers={"Authorization": f"Bearer {key}"})


def _read_needed(route: tuple[str, str]) -> tuple[Scope, ...]:
    needed = ROUTES[route]
    return (needed,) if isinstance(needed, Scope) else needed


async def test_every_route_of_the_api_is_in_the_table(app: FastAPI) -> None:
    routes = {
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/v1")
    }
    assert routes == set(ROUTES)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_route_needs_its_scope_and_no_other(
    public: httpx.AsyncClient, database: Database, school: SchoolClient, route: tuple[str, str]
) -> None:
    needed = _read_needed(route)
    for scope in needed:
        others = tuple(each for each in ALL_SCOPES if each is not scope)
        answer = await _call(public, database, school, route, others)
        read_faults(answer, 403)
        assert scope in answer.json()["detail"]
    answer = await _call(public, database, school, route, needed)
    assert answer.status_code not in {401, 403, 500}, answer.text


@pytest.mark.parametrize("route", ROUTES)
async def test_a_route_needs_a_key(public: httpx.AsyncClient, route: tuple[str, str]) -> None:
    method, path = route
    url = path.format(external_id="nothing", **{name: uuid4() for name in NAMED_BY_UUID})
    read_faults(await public.request(method, url, json=BODIES.get(path) if method != "GET" else None), 401)


async def test_a_refused_change_changes_nothing(
    public: httpx.AsyncClient, database: Database, school: SchoolClient
) -> None:
    for route in (("PATCH", "/v1/school"), ("PUT", "/v1/directory/groups"), ("POST", "/v1/messages")):
        await _call(public, database, school, route, (Scope.DIRECTORY_READ,))
    assert (await school.read("/v1/school"))["name"] == "Riverside School"
    assert (await school.read("/v1/directory/groups"))["items"] == []
    assert (await school.read("/v1/campaigns"))["items"] == []
