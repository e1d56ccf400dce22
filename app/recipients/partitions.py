"""Partitions of the history, one a month, made ahead so that no event ever waits for one."""

from datetime import date

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql

MONTHS_AHEAD = 3
log = structlog.get_logger(__name__)


async def make_partitions(connection: AsyncConnection, *, today: date) -> None:
    """Make the partitions of this month and the next few, where they are missing.

    A month whose events already fell into the default partition stays there: nothing is lost, it is only
    not detached by itself later.
    """
    await run_sql(connection, "SET LOCAL lock_timeout = '2s'")
    for offset in range(MONTHS_AHEAD + 1):
        first, after = _add_months(today, offset), _add_months(today, offset + 1)
        name = f"email_events_{first:%Y_%m}"
        bounds = f"FROM ('{first}') TO ('{after}')"
        try:
            async with connection.begin_nested():
                await run_sql(
                    connection,
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF email_events FOR VALUES {bounds}",
                )
        except DBAPIError as error:
            log.warning("partition not made", partition=name, error=type(error.orig).__name__)


def _add_months(day: date, months: int) -> date:
    """Return the first day of the month that many months on."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)
