"""What is done every night: months made ahead, months too old dropped, records nobody asks for removed."""

import structlog

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database
from app.operations.history import drop_months
from app.operations.leftovers import remove_leftovers
from app.recipients.partitions import make_partitions

log = structlog.get_logger(__name__)


async def tidy_up(database: Database, settings: Settings) -> None:
    """Do all of it; each part in transactions of its own, so that one that fails undoes no other."""
    today = now().date()
    async with database.connection() as connection:
        await make_partitions(connection, today=today)
    if settings.retention_months is not None:
        await drop_months(database, today=today, kept=settings.retention_months)
    removed = await remove_leftovers(database, settings)
    if any(removed.values()):
        log.info("tidied up", **removed)
