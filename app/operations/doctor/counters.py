"""Counters against a recount of the recipients: campaign after campaign, in bounded memory."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from app.core.db import Database, run_sql
from app.core.diagnosis import Diagnosis, find_well, find_wrong
from app.operations.doctor.recount import Campaign, Drift, find_drift, rewrite_counters

SUBJECT = "counters"
PAGE = 500
"""Campaigns whose names are read at once."""
RECIPIENTS_AT_ONCE = 200_000
"""So many are recounted in one statement, unless one campaign has more."""
SHOWN = 20

_TOTAL: Final = "SELECT count(*) FROM campaign_counters"
_PAGE: Final = """
    SELECT school_id, campaign_id, recipients FROM campaign_counters
    WHERE (school_id, campaign_id) > ($1, $2)
    ORDER BY school_id, campaign_id LIMIT $3
"""
_WITHOUT: Final = """
    SELECT c.school_id, c.id FROM campaigns c
    WHERE c.frozen_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM campaign_counters k WHERE k.school_id = c.school_id AND k.campaign_id = c.id
    )
    ORDER BY c.school_id, c.id LIMIT $1
"""

OnProgress = Callable[[int, int], None]
"""Told how many campaigns are done, and of how many."""


async def examine_counters(database: Database, *, repair: bool, on_progress: OnProgress) -> list[Diagnosis]:
    """Recount every campaign; with `repair`, rewrite counters that differ, each under its own lock."""
    async with database.connection() as connection:
        ((total,),) = await run_sql(connection, _TOTAL)
        missing: list[Campaign] = [(row[0], row[1]) for row in await run_sql(connection, _WITHOUT, SHOWN)]
    wrong: dict[Campaign, str] = dict.fromkeys(missing, "it has no counters")
    done = count = 0
    async for chunk in _read_chunks(database):
        async with database.connection() as connection:
            drifts = await find_drift(connection, chunk)
        wrong |= {key: _describe(drift) for key, drift in drifts.items() if len(wrong) < SHOWN}
        count += len(drifts)
        if repair:
            await _repair(database, list(drifts))
        done += len(chunk)
        on_progress(done, max(total, done))
    if repair:
        await _repair(database, missing)
    return _conclude(done, count + len(missing), wrong, repaired=repair)


async def _repair(database: Database, campaigns: Sequence[Campaign]) -> None:
    for campaign in campaigns:
        async with database.connection() as connection:
            await rewrite_counters(connection, campaign)


async def _read_chunks(database: Database) -> AsyncIterator[list[Campaign]]:
    last: Campaign = (UUID(int=0), UUID(int=0))
    while True:
        async with database.connection() as connection:
            rows = await run_sql(connection, _PAGE, *last, PAGE)
        for chunk in _cut(rows):
            yield chunk
        if len(rows) < PAGE:
            return
        last = (rows[-1][0], rows[-1][1])


def _cut(rows: Sequence[Any]) -> Iterator[list[Campaign]]:
    chunk: list[Campaign] = []
    recipients = 0
    for school_id, campaign_id, size in rows:
        if chunk and recipients + size > RECIPIENTS_AT_ONCE:
            yield chunk
            chunk, recipients = [], 0
        chunk.append((school_id, campaign_id))
        recipients += size
    if chunk:
        yield chunk


def _describe(drift: Drift) -> str:
    return ", ".join(f"{name} {kept} for {counted}" for name, (kept, counted) in drift.items())


def _conclude(done: int, count: int, wrong: dict[Campaign, str], *, repaired: bool) -> list[Diagnosis]:
    if not count:
        return [find_well(SUBJECT, f"equal a recount of the recipients in all {done:,} campaigns")]
    lines = [f"campaign {campaign_id}: {words}" for (_, campaign_id), words in wrong.items()]
    more = [f"and {count - len(lines):,} more"] if count > len(lines) else []
    finding = f"{count:,} of {done:,} campaigns differ from a recount; " + "; ".join([*lines, *more])
    if repaired:
        return [find_well(SUBJECT, f"repaired: {finding}")]
    return [find_wrong(SUBJECT, finding, "campaigns doctor --repair writes what is counted.")]
