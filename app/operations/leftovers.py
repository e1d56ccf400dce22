"""Records nobody asks for any more: idempotency keys, finished imports, parked events past all hope."""

from collections.abc import Mapping
from typing import Any, Final

from app.core.config import Settings
from app.core.db import Database, run_sql
from app.feedback.parking import MOST_TRIES

ROWS_AT_ONCE = 5_000
"""So many are removed in one transaction: no lock is held for long."""

_KEYS: Final = """
    DELETE FROM idempotency_keys WHERE (school_id, key) IN (
        SELECT school_id, key FROM idempotency_keys
        WHERE created_at < now() - make_interval(days => $1) LIMIT $2
    ) RETURNING 1
"""
_REJECTIONS: Final = """
    DELETE FROM import_rejections WHERE (school_id, import_id, line, ordinal) IN (
        SELECT r.school_id, r.import_id, r.line, r.ordinal
        FROM imports i JOIN import_rejections r ON r.school_id = i.school_id AND r.import_id = i.id
        WHERE i.progressed_at < now() - make_interval(days => $1) LIMIT $2
    ) RETURNING 1
"""
_IMPORTS: Final = """
    DELETE FROM imports WHERE (school_id, id) IN (
        SELECT school_id, id FROM imports
        WHERE progressed_at < now() - make_interval(days => $1) LIMIT $2
    ) RETURNING 1
"""
_PARKED: Final = """
    DELETE FROM parked_events WHERE (school_id, key) IN (
        SELECT school_id, key FROM parked_events
        WHERE tries >= $3 AND received_at < now() - make_interval(months => $1) LIMIT $2
    ) RETURNING 1
"""


async def remove_leftovers(database: Database, settings: Settings) -> Mapping[str, int]:
    """Remove what is older than the settings keep it; return how many rows of each kind."""
    days = settings.record_retention_days
    removed = {
        "idempotency_keys": await _remove(database, _KEYS, days),
        # Before their imports: one import may have a million, which a cascade would remove at once.
        "import_rejections": await _remove(database, _REJECTIONS, days),
        "imports": await _remove(database, _IMPORTS, days),
    }
    if settings.retention_months is not None:
        removed["parked_events"] = await _remove(database, _PARKED, settings.retention_months, MOST_TRIES)
    return removed


async def _remove(database: Database, statement: str, age: int, *more: Any) -> int:
    removed = 0
    while True:
        async with database.connection() as connection:
            rows = await run_sql(connection, statement, age, ROWS_AT_ONCE, *more)
        removed += len(rows)
        if len(rows) < ROWS_AT_ONCE:
            return removed
