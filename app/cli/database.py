"""The database as the commands use it: there, at the newest schema, and closed again."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from app.cli.failures import Complaint
from app.core.config import Settings, load_settings
from app.core.db import Database
from app.core.migrations import find_gap


async def check_database(settings: Settings, *, schema: bool = True) -> None:
    """Complain unless the database answers, and (`schema`) is at the newest schema."""
    database = Database(settings)
    try:
        await _check(database, schema=schema)
    finally:
        await database.close()


def with_database(work: Callable[[Database], Coroutine[Any, Any, Any]]) -> Any:  # whatever work returns
    """Do the work with a database that is at the newest schema."""

    async def run() -> Any:
        database = Database(load_settings())
        try:
            await _check(database)
            return await work(database)
        finally:
            await database.close()

    return asyncio.run(run())


async def _check(database: Database, *, schema: bool = True) -> None:
    if not schema:
        async with database.connection():
            return
    if gap := await find_gap(database):
        raise Complaint(gap)
