"""What `campaigns school` and `campaigns api-key` do in the database."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from app.cli.database import check_schema
from app.core.config import load_settings
from app.core.db import Database
from app.schools import keys, service
from app.schools.api_keys.schemas import ApiKeyCreate, show_key
from app.schools.audit.record import OPERATOR, set_actor
from app.schools.schemas import SchoolCreate
from app.schools.scopes import ALL_SCOPES, Scope

T = TypeVar("T")


def create_school(**fields: str) -> dict[str, str]:
    """Create a school and its first API key; raise ValidationError for what it cannot be given."""
    wanted = SchoolCreate.model_validate(fields)

    async def work(database: Database) -> dict[str, str]:
        async with database.system_transaction() as session:
            set_actor(session, OPERATOR)
            school = await service.create_school(session, wanted=wanted)
            _, key = await keys.create_key(session, school_id=school.id, name="First key")
        return {"school_id": str(school.id), "api_key": key}

    return _with_database(work)


def create_key(
    school_id: UUID, name: str, scopes: Sequence[Scope] | None, expires_at: datetime | None
) -> dict[str, str]:
    """Create an API key, with every scope unless told which; ValidationError for what it cannot have."""
    wanted = ApiKeyCreate.model_validate(
        {"name": name, "scopes": list(scopes) if scopes else None, "expires_at": expires_at}
    )

    async def work(database: Database) -> dict[str, str]:
        async with database.system_transaction() as session:
            set_actor(session, OPERATOR)
            await service.get_school(session, school_id=school_id)
            row, key = await keys.create_key(
                session,
                school_id=school_id,
                name=wanted.name,
                scopes=wanted.scopes or ALL_SCOPES,
                expires_at=wanted.expires_at,
            )
        return {"id": str(row.id), "api_key": key}

    return _with_database(work)


def list_keys(school_id: UUID) -> list[dict[str, Any]]:
    """Return a school's API keys as they are shown."""

    async def work(database: Database) -> list[dict[str, Any]]:
        async with database.system_transaction() as session:
            await service.get_school(session, school_id=school_id)
            rows = await keys.list_keys(session, school_id=school_id)
        return [show_key(row).model_dump(mode="json") for row in rows]

    return _with_database(work)


def revoke_key(school_id: UUID, key_id: UUID) -> None:
    """Revoke an API key at once."""

    async def work(database: Database) -> None:
        async with database.system_transaction() as session:
            set_actor(session, OPERATOR)
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
