"""Bringing a database to the newest schema, and telling whether it is there."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.core.db import Database

ROOT = Path(__file__).resolve().parents[2]


def _config() -> Config:
    return Config(ROOT / "alembic.ini")


def migrate(url: str, *, revision: str = "head") -> None:
    """Run the migrations that the database lacks (synchronous; opens its own event loop)."""
    config = _config()
    config.attributes["url"] = url
    command.upgrade(config, revision)


async def find_gap(database: Database) -> str | None:
    """Return what is missing between the database's schema and ours, in a sentence, or None."""
    newest = ScriptDirectory.from_config(_config()).get_current_head()

    def read(connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()

    async with database.connection() as connection:
        current = await connection.run_sync(read)
    if current == newest:
        return None
    return "The database is not at the newest schema: run `campaigns migrate`."
