"""The job of feedback: events that could not be applied yet are tried again."""

from app.core.db import Database
from app.feedback.service import retry_parked


async def retry_parked_events(database: Database) -> None:
    """Try every parked event whose time has come; may run on several workers at once."""
    while await retry_parked(database, limit=MOST_AT_ONCE) == MOST_AT_ONCE:
        pass


MOST_AT_ONCE = 500
