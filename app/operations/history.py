"""Old months of the history: each is detached and dropped whole. Counters and recipients stay as they are."""

from datetime import date
from typing import Final

import structlog
from sqlalchemy.exc import DBAPIError

from app.core.db import Database, run_sql
from app.operations.months import add_months, read_month

LOCK_SECONDS = 2
log = structlog.get_logger(__name__)

_PARTITIONS: Final = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'email_events'::regclass ORDER BY c.relname
"""


async def drop_months(database: Database, *, today: date, kept: int) -> list[str]:
    """Drop the partitions of months before the last `kept` whole ones; return their names.

    The lock on the history is waited for no longer than 2 s, as everybody who records waits behind it; a
    month that could not be had is dropped another night.
    """
    oldest = add_months(today, -kept)
    async with database.connection() as connection:
        names = [row[0] for row in await run_sql(connection, _PARTITIONS)]
    old = [name for name in names if (month := read_month(name)) is not None and month < oldest]
    return [name for name in old if await _drop_month(database, name)]


async def _drop_month(database: Database, partition: str) -> bool:
    # Not CONCURRENTLY: PostgreSQL refuses that beside a default partition.
    # https://www.postgresql.org/docs/current/sql-altertable.html
    try:
        async with database.connection() as connection:
            await run_sql(connection, f"SET LOCAL lock_timeout = '{LOCK_SECONDS}s'")
            await run_sql(connection, f"ALTER TABLE email_events DETACH PARTITION {partition}")
            await run_sql(connection, f"DROP TABLE {partition}")
    except DBAPIError as error:
        log.warning("month not dropped", partition=partition, error=type(error.orig).__name__)
        return False
    log.info("month dropped", partition=partition)
    return True
