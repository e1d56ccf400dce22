"""Distributing the tables: all of it in one transaction, or nothing."""

from collections.abc import Callable, Sequence

from app.core.db import Database, run_sql
from app.operations.shard.catalogue import read_catalogue
from app.operations.shard.plan import Unshardable, plan_distribution

NO_CITUS = (
    "The database has no Citus extension: have an administrator install it on every node, run CREATE "
    "EXTENSION citus and add the nodes (citus_add_node); --dry-run shows what would be done."
)


async def plan_statements(database: Database) -> Sequence[str]:
    """Return what would be run, with Citus or without; raise Unshardable."""
    async with database.connection() as connection:
        return plan_distribution(await read_catalogue(connection))


async def distribute_tables(database: Database, *, on_step: Callable[[int, int, str], None]) -> int:
    """Run what is left to be run; return the number of statements. Raise Unshardable where it cannot be.

    `on_step` is told how many are done, of how many, and which is next. Stop the API and the workers first:
    every table is locked until the end.
    """
    async with database.connection() as connection:
        catalogue = await read_catalogue(connection)
        if catalogue.citus_version is None:
            raise Unshardable(NO_CITUS)
        statements = plan_distribution(catalogue)
        for done, statement in enumerate(statements):
            on_step(done, len(statements), statement)
            await run_sql(connection, statement)
        return len(statements)
