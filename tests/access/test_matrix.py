"""Every route with every kind of credential: made from the OpenAPI document, so that none can be left out."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import update

from app.core.clock import now
from app.core.db import Database
from app.schools.keys import create_key, parse_key, revoke_key
from app.schools.models import ApiKey
from app.schools.scopes import ALL_SCOPES, Scope
from tests.access.asking import Answer, ask
from tests.access.operations import Operation, read_operations
from tests.access.world import fill, fill_path, read_secrets, take_stock
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("unlimited")
PUBLIC = {
    "GET /o/{token}.gif": "recipients' mail programs; the token is signed",
    "GET /c/{token}/{number}": "recipients; the token is signed",
    "GET /u/{token}": "recipients; the token is signed",
    "POST /u/{token}": "recipients' mail programs (RFC 8058); the token is signed",
    "GET /u/{token}/preferences": "recipients; the token is signed",
    "POST /u/{token}/preferences": "recipients; the token is signed",
    "GET /u/preview": "a fixed page",
    "POST /webhooks/ses": "SNS; the body is signed",
    "GET /healthz": "whoever watches over the deployment",
    "GET /readyz": "whoever watches over the deployment",
    "GET /metrics": "whoever watches over the deployment; no label names a school",
}
WITHOUT_SCOPE = {"GET /v1/school": "any credential may ask whose it is"}
NOT_A_KEY = ("", "Bearer", "Bearer ck_short", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic dXNlcjpwYXNz")


@pytest.fixture
async def operations(app: FastAPI) -> list[Operation]:
    """Every operation that asks for a credential."""
    return [each for each in read_operations(app.openapi()) if each.scopes is not None]


async def _make_key(database: Database, school: UUID, scopes: Iterable[Scope] = ALL_SCOPES) -> str:
    async with database.system_transaction() as session:
        _, key = await create_key(session, school_id=school, name="Of the matrix", scopes=list(scopes))
    return key


async def _spoil(database: Database, key: str, how: str) -> None:
    parts = parse_key(key)
    assert parts is not None
    async with database.system_transaction() as session:
        if how == "revoked":
            await revoke_key(session, school_id=parts.school_id, key_id=parts.key_id)
        else:
            row = (ApiKey.school_id == parts.school_id, ApiKey.id == parts.key_id)
            past = now() - timedelta(seconds=1)
            await session.execute(update(ApiKey).where(*row).values(expires_at=past))


async def _try(app: FastAPI, operation: Operation, path: str, credential: str | None) -> Answer:
    return await ask(
        app,
        operation.method,
        path,
        query=operation.query,
        credential=credential,
        body=operation.body,
        media_type=operation.media_type,
    )


async def test_every_route_says_what_it_asks_for(app: FastAPI) -> None:
    every = read_operations(app.openapi())
    assert {each.name for each in every if each.scopes is None} == PUBLIC.keys()
    assert {each.name for each in every if each.scopes == ()} == WITHOUT_SCOPE.keys()
    assert all(each.path.startswith("/v1/") for each in every if each.scopes is not None)
    assert {scope for each in every for scope in each.scopes or ()} == set(ALL_SCOPES)


async def test_no_route_opens_without_a_valid_credential(
    app: FastAPI, database: Database, school: SchoolClient, operations: list[Operation]
) -> None:
    ids = await fill(school, database)
    spoiled = {how: await _make_key(database, school.id) for how in ("expired", "revoked")}
    for how, key in spoiled.items():
        await _spoil(database, key, how)
    before = await take_stock(school)
    bodies = set()
    for place, operation in enumerate(operations):
        path = fill_path(operation, ids)
        malformed = NOT_A_KEY[place % len(NOT_A_KEY)]
        for credential in (None, malformed, *(f"Bearer {key}" for key in spoiled.values())):
            answer = await _try(app, operation, path, credential)
            assert answer.status == 401, (operation.name, credential, answer)
            assert answer.headers["www-authenticate"] == "Bearer"
            bodies.add(answer.body)
    assert len(bodies) == 1  # nobody learns what is wrong with a credential
    assert await take_stock(school) == before


async def test_every_route_needs_its_scope_and_no_other(
    app: FastAPI, database: Database, school: SchoolClient, operations: list[Operation]
) -> None:
    ids = await fill(school, database)
    before = await take_stock(school)
    keys = {scope: await _make_key(database, school.id, set(ALL_SCOPES) - {scope}) for scope in ALL_SCOPES}
    taken = {
        operation.name: (
            scope,
            await _try(app, operation, fill_path(operation, ids), f"Bearer {keys[scope]}"),
        )
        for operation in operations
        for scope in map(Scope, operation.scopes or ())
    }
    wrong = {name: answer for name, (_, answer) in taken.items() if answer.status != 403}
    assert not wrong
    assert all(str(scope) in answer.json()["detail"] for scope, answer in taken.values())
    after = await take_stock(school)
    assert {**after, "keys": None} == {**before, "keys": None}


async def test_the_scope_a_route_needs_is_enough(
    app: FastAPI, database: Database, school: SchoolClient, operations: list[Operation]
) -> None:
    """In a school of its own without any of the ids: nothing is found, but all are let in."""
    needed = {operation.scopes or () for operation in operations}
    keys = {scopes: await _make_key(database, school.id, map(Scope, scopes)) for scopes in needed}
    ids = {name: "01a20e3c-59f2-750b-93ed-3c8fadf04e47" for each in operations for name in each.parameters}
    for operation in operations:
        key = keys[operation.scopes or ()]
        answer = await _try(app, operation, fill_path(operation, ids), f"Bearer {key}")
        assert answer.status not in {401, 403}, (operation.name, answer)
        assert answer.status < 500, (operation.name, answer)


async def test_another_school_finds_nothing_and_changes_nothing(
    app: FastAPI,
    database: Database,
    school: SchoolClient,
    other_school: SchoolClient,
    operations: list[Operation],
) -> None:
    ids = await fill(school, database)
    secrets = read_secrets(school, ids)
    before = await take_stock(school)
    for operation in operations:
        key = await _make_key(database, other_school.id)  # what is asked of one may be to revoke it
        answer = await _try(app, operation, fill_path(operation, ids), f"Bearer {key}")
        allowed = {404} if operation.parameters else {200, 201, 202, 204, 409, 422}
        assert answer.status in allowed, (operation.name, answer)
        assert not [each for each in secrets if each.lower() in answer.body.lower()], operation.name
    assert await take_stock(school) == before
