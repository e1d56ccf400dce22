"""Runs migrations over asyncpg; `campaigns migrate` and `alembic` both come through here."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

from app.tables import metadata


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    # Partitions are made by the migration and by housekeeping, not by the models.
    return not (kind == "table" and name is not None and name.startswith("email_events_"))


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=_is_ours,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def _run() -> None:
    url = context.config.attributes.get("url") or os.environ["CAMPAIGNS_DATABASE_URL"]  # noqa: TID251
    engine = create_async_engine(url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


asyncio.run(_run())
