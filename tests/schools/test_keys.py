"""API keys: only a whole, living key of this very school opens it, and its last use is kept."""

import base64
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import Database
from app.core.errors import NotFound
from app.schools.keys import create_key, list_keys, parse_key, revoke_key
from app.schools.models import ApiKey
from tests.directory.faults import read_faults
from tests.school import SchoolClient


async def _ask(public: httpx.AsyncClient, credential: str | None) -> httpx.Response:
    headers = {} if credential is None else {"Authorization": credential}
    return await public.get("/v1/school", headers=headers)


def _assert_refused(answer: httpx.Response) -> None:
    read_faults(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


async def _change_key(database: Database, school: SchoolClient, **changes: Any) -> None:
    async with database.system_transaction() as session:
        await session.execute(update(ApiKey).where(ApiKey.school_id == school.id).values(changes))


async def _last_use(database: Database, school: SchoolClient) -> datetime | None:
    async with database.system_transaction() as session:
        return await session.scalar(select(ApiKey.last_used_at).where(ApiKey.school_id == school.id))


def _compose(school: UUID, key: UUID, secret: bytes) -> str:
    return "ck_" + base64.urlsafe_b64encode(school.bytes + key.bytes + secret).rstrip(b"=").decode()


@pytest.mark.parametrize(
    "credential",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer ck_",
        "Bearer ck_short",
        "Bearer ck_" + "A" * 86,
        "Bearer ck_" + "!" * 86,
        "Bearer ck_" + "A" * 87,
        "Bearer sk_" + "A" * 86,
        "Bearer eyJhbGciOiJub25lIn0.e30.",
        "Basic dXNlcjpwYXNzd29yZA==",
    ],
)
async def test_what_is_no_key_opens_nothing(public: httpx.AsyncClient, credential: str | None) -> None:
    _assert_refused(await _ask(public, credential))


async def test_bytes_beyond_ascii_open_nothing(public: httpx.AsyncClient) -> None:
    header = b"Bearer ck_" + b"\xe9" * 86
    _assert_refused(await public.get("/v1/school", headers=[(b"Authorization", header)]))


async def test_a_key_with_anything_changed_opens_nothing(
    school: SchoolClient, other_school: SchoolClient, public: httpx.AsyncClient
) -> None:
    parts, theirs = parse_key(school.key), parse_key(other_school.key)
    assert parts is not None
    assert theirs is not None
    assert (await _ask(public, f"Bearer {_compose(parts.school_id, parts.key_id, parts.secret)}")).is_success
    for forged in (
        _compose(parts.school_id, parts.key_id, theirs.secret),
        _compose(parts.school_id, parts.key_id, bytes(32)),
        _compose(parts.school_id, theirs.key_id, theirs.secret),
        _compose(theirs.school_id, parts.key_id, parts.secret),
        _compose(parts.school_id, uuid4(), parts.secret),
        _compose(uuid4(), parts.key_id, parts.secret),
    ):
        _assert_refused(await _ask(public, f"Bearer {forged}"))


async def test_a_key_opens_its_own_school(school: SchoolClient, other_school: SchoolClient) -> None:
    assert (await school.read("/v1/school"))["name"] == "Riverside School"
    assert (await other_school.read("/v1/school"))["name"] == "Hillside School"


async def test_a_revoked_key_opens_nothing_at_once(school: SchoolClient, database: Database) -> None:
    parts = parse_key(school.key)
    assert parts is not None
    await school.read("/v1/school")
    for _ in range(2):
        async with database.system_transaction() as session:
            await revoke_key(session, school_id=school.id, key_id=parts.key_id)
        _assert_refused(await school.http.get("/v1/school"))


async def test_only_ones_own_key_can_be_revoked(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    parts = parse_key(school.key)
    assert parts is not None
    async with database.system_transaction() as session:
        with pytest.raises(NotFound):
            await revoke_key(session, school_id=other_school.id, key_id=parts.key_id)
    await school.read("/v1/school")


async def test_a_key_expires(school: SchoolClient, database: Database) -> None:
    await _change_key(database, school, expires_at=now() + timedelta(minutes=5))
    await school.read("/v1/school")
    await _change_key(database, school, expires_at=now() - timedelta(seconds=1))
    _assert_refused(await school.http.get("/v1/school"))


async def test_the_secret_itself_is_not_kept(school: SchoolClient, database: Database) -> None:
    parts = parse_key(school.key)
    assert parts is not None
    async with database.system_transaction() as session:
        _, second = await create_key(session, school_id=school.id, name="Second")
        keys = await list_keys(session, school_id=school.id)
    assert [key.name for key in keys] == ["Second", "Tests"]
    assert parts.secret not in {key.secret_hash for key in keys}
    assert second != school.key


async def test_the_last_use_is_kept_to_the_minute(school: SchoolClient, database: Database) -> None:
    assert await _last_use(database, school) is None
    before = now()
    await school.read("/v1/school")
    first = await _last_use(database, school)
    assert first is not None
    assert before <= first <= now()
    await school.read("/v1/school")
    assert await _last_use(database, school) == first
    await _change_key(database, school, last_used_at=now() - timedelta(minutes=2))
    await school.read("/v1/school")
    later = await _last_use(database, school)
    assert later is not None
    assert later >= first


async def test_a_refused_key_is_not_used(
    school: SchoolClient, public: httpx.AsyncClient, database: Database
) -> None:
    parts = parse_key(school.key)
    assert parts is not None
    _assert_refused(await _ask(public, f"Bearer {_compose(parts.school_id, parts.key_id, bytes(32))}"))
    assert await _last_use(database, school) is None
