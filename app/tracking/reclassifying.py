"""Running today's rules over the events that are kept, in bounded batches, beside live traffic."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from app.core.db import Database, is_contention, run_sql
from app.recipients.facts import FactKind, RecipientKey
from app.recipients.machine import CONCLUSIONS, Trace
from app.recipients.rejudging import rejudge
from app.recipients.rows import add_to_counters, hold_recipients, read_recipients, write_back
from app.tracking.machine import AGENT_SIGNS, judge_agent

MOST_AT_ONCE: Final = 500
TRIES: Final = 3
_COUNT: Final = """
    SELECT c.school_id, c.id, coalesce((
        SELECT max(r.number) FROM recipients r WHERE r.school_id = c.school_id AND r.campaign_id = c.id
    ), 0)
    FROM campaigns c
    WHERE c.frozen_at IS NOT NULL AND ($1::uuid IS NULL OR c.school_id = $1)
        AND ($2::uuid IS NULL OR c.id = $2) AND ($3::timestamptz IS NULL OR c.sent_at >= $3)
    ORDER BY c.school_id, c.id
"""
_VISITED: Final = """
    SELECT r.number FROM recipient_outcomes r
    WHERE r.school_id = $1 AND r.campaign_id = $2 AND r.number > $3
        AND (r.open_count > 0 OR r.machine_open_count > 0 OR r.click_count > 0 OR r.machine_click_count > 0)
    ORDER BY r.number LIMIT $4
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose events are looked at again: all, or those of a school, of a campaign, of campaigns sent since."""

    school_id: UUID | None = None
    campaign_id: UUID | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it has come: recipients passed of all, and for how many something changed."""

    passed: int
    total: int
    changed: int


async def reclassify(database: Database, choice: Choice) -> AsyncGenerator[Progress, None]:
    """Judge every open and click of the chosen campaigns by today's rules, yielding after each batch.

    Each batch is a transaction of its own, counters included: cut short, what is done is done, and to run it
    again changes nothing more.
    """
    async with database.connection() as connection:
        campaigns = await run_sql(connection, _COUNT, choice.school_id, choice.campaign_id, choice.since)
    total = sum(row[2] for row in campaigns)
    passed = changed = 0
    yield Progress(passed, total, changed)
    for school_id, campaign_id, last in campaigns:
        number = 0
        while number < last:
            reached, moved = await _try_batch(database, school_id, campaign_id, after=number)
            reached = reached or last
            passed, changed, number = passed + reached - number, changed + moved, reached
            yield Progress(passed, total, changed)


async def _try_batch(
    database: Database, school_id: UUID, campaign_id: UUID, *, after: int
) -> tuple[int | None, int]:
    for left in reversed(range(TRIES)):
        try:
            return await _run_batch(database, school_id, campaign_id, after=after)
        except Exception as error:
            if not (left and is_contention(error)):
                raise
    raise AssertionError("unreachable")


async def _run_batch(
    database: Database, school_id: UUID, campaign_id: UUID, *, after: int
) -> tuple[int | None, int]:
    """Judge the next with visits; return the last one's number, None at the end, and the changes."""
    async with database.connection() as connection:
        rows = await run_sql(connection, _VISITED, school_id, campaign_id, after, MOST_AT_ONCE)
        if not rows:
            return None, 0
        keys = [RecipientKey(school_id, campaign_id, row[0]) for row in rows]
        await hold_recipients(connection, keys)
        held = await read_recipients(connection, keys)
        changed = await rejudge(connection, held, read_again=read_again)
        await add_to_counters(connection, await write_back(connection, changed), {})
    return rows[-1][0], len(changed)


def read_again(trace: Trace) -> Trace:
    """Return the event with what its agent says by today's rules, where the agent is known (pure).

    HEAD and the network hold as they were found: neither the method nor the address is kept. Nor is the
    agent of an erased person, or of a visit from the time that PostgreSQL was away.
    """
    found = trace.machine is None or trace.machine in AGENT_SIGNS or trace.machine in CONCLUSIONS
    if trace.agent is None or not found:
        return trace
    sign = judge_agent(trace.agent, opens=trace.kind == FactKind.OPENED)
    return replace(trace, machine=sign)
