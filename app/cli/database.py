"""The database as the commands use it: there, and at the newest schema."""

from app.cli.complaint import Complaint
from app.core.config import Settings
from app.core.db import Database
from app.core.migrations import find_gap


async def check_database(settings: Settings, *, schema: bool = True) -> None:
    """Complain unless the database answers, and (`schema`) is at the newest schema."""
    database = Database(settings)
    try:
        if schema:
            await check_schema(database)
        else:
            async with database.connection():
                pass
    finally:
        await database.close()


async def check_schema(database: Database) -> None:
    """Complain unless the database is at the newest schema."""
    if gap := await find_gap(database):
        raise Complaint(gap)
