"""Events of SES that could not be applied: how many, since when, and why."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql
from app.core.diagnosis import Diagnosis, find_notable, find_well, find_wrong
from app.feedback.parking import MOST_TRIES

SUBJECT = "parked events"
PATIENCE_SECONDS = 3600
"""An event that outran our own commit is applied within seconds."""
REASONS = 5

_COUNT: Final = """
    SELECT reason, count(*) FILTER (WHERE tries < $1), count(*) FILTER (WHERE tries >= $1),
        coalesce(extract(epoch FROM now() - min(received_at) FILTER (WHERE tries < $1)), 0)
    FROM parked_events GROUP BY reason ORDER BY count(*) DESC, reason
"""


async def examine_parked(connection: AsyncConnection) -> Diagnosis:
    """Look at what is parked: tried again, or only kept."""
    rows = await run_sql(connection, _COUNT, MOST_TRIES)
    if not rows:
        return find_well(SUBJECT, "none")
    tried, kept = sum(row[1] for row in rows), sum(row[2] for row in rows)
    oldest = max(float(row[3]) for row in rows)
    reasons = "; ".join(f"{row[0]} ({row[1] + row[2]:,})" for row in rows[:REASONS])
    words = f"{tried:,} tried again, the oldest for {oldest:,.0f} s, {kept:,} only kept: {reasons}"
    failing = sum(row[1] for row in rows if row[0] == "failed to apply" and row[3] > PATIENCE_SECONDS)
    if failing:
        remedy = "The log of the API or worker says what fails; they are applied once it is mended."
        return find_wrong(SUBJECT, words, remedy)
    if kept or oldest > PATIENCE_SECONDS:
        remedy = "They name mail of another deployment, or cannot be read: look into parked_events."
        return find_notable(SUBJECT, words, remedy)
    return find_well(SUBJECT, words)
