"""What `campaigns school` and `campaigns api-key` do in the database."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar
from uuid import UUID

from app.cli.database import check_schema
from app.core.config import load_settings
from app.core.db import Database
from app.schools import keys, service
from app.schools.schemas import SchoolCreate
from app.schools.scopes import ALL_SCOPES, Scope

SHOWN = ("id", "name", "scopes", "created_at", "expires_at", "revoked_at", "last_used_at")

T = TypeVar("T")


def create_school(**fields: str) -> dict[str, str]:
    """Create a school and its first API key; raise ValidationError for what it cannot be given."""
    wanted = SchoolCreate.model_validate(fields)

    async def work(database: Database) -> dict[str, str]:
        async with database.system_transaction() as session:
            school = await service.create_school(session, wanted=wanted)
            _, key = await keys.create_key(session, school_id=school.id, name="First key")
        return {"school_id": str(school.id), "api_key": key}

    return _with_database(work)


def create_key(school_id: UUID, name: str, scopes: Sequence[Scope] | None) -> dict[str, str]:
    """Create an API key, with every scope unless told which."""

    async def work(database: Database) -> dict[str, str]:
        async with database.system_transaction() as session:
            await service.get_school(session, school_id=school_id)
            row, key = await keys.create_key(
                session, school_id=school_id, name=name, scopes=tuple(scopes or ALL_SCOPES)
            )
        return {"id": str(row.id), "api_key": key}

    return _with_database(work)


def list_keys(school_id: UUID) -> list[dict[str, Any]]:
    """Return a school's API keys as they are shown."""

    async def work(database: Database) -> list[dict[str, Any]]:
        async with database.system_transaction() as session:
            await service.get_school(session, school_id=school_id)
            rows = await keys.list_keys(session, school_id=school_id)
        return [{name: getattr(row, name) for name in SHOWN} for row in rows]

    return _with_database(work)


def revoke_key(school_id: UUID, key_id: UUID) -> None:
    """Revoke an API key at once."""

    async def work(database: Database) -> None:
        async with database.system_transaction() as session:
            await keys.revoke_key(session, school_id=school_id, key_id=key_id)

    _with_database(work)


def _with_database(work: Callable[[Database], Coroutine[Any, Any, T]]) -> T:
    async def run() -> T:
        database = Database(load_settings())
        try:
            await check_schema(database)
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())
