"""The work that waits: calls that never ended, mail whose turn does not come, campaigns and why."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql
from app.core.diagnosis import Diagnosis, find_notable, find_well, find_wrong
from app.delivery.metrics.gauges import read_ages

LEASE_GRACE_SECONDS = 60
"""A sweep comes every second: a lease that ran out so long ago was seen by no worker."""
QUEUE_SECONDS = 300
START_SECONDS = 120
"""A scheduled campaign starts within 5 s, a frozen audience of a million takes 15 s."""
SHOWN = 10

_CALLS: Final = """
    SELECT
        count(*) FILTER (WHERE state = 'calling'),
        count(*) FILTER (WHERE state = 'calling' AND lease_until < now() - make_interval(secs => $1)),
        count(*) FILTER (WHERE state = 'unknown'),
        count(*) FILTER (WHERE state = 'unknown' AND unknown_since < now() - make_interval(secs => $2)),
        coalesce(sum(cardinality(recipients)) FILTER (WHERE state = 'undecided'), 0)
    FROM batches WHERE state IN ('calling', 'unknown', 'undecided')
"""
_WAITING: Final = """
    SELECT id, status, status_reason FROM campaigns
    WHERE status = 'paused' OR (status = 'sending' AND status_reason IS NOT NULL)
    ORDER BY school_id, id LIMIT $1
"""
_STUCK: Final = """
    SELECT id, status FROM campaigns
    WHERE (status = 'scheduled' AND scheduled_for < now() - make_interval(secs => $1))
        OR (status = 'preparing' AND coalesce(sent_at, created_at) < now() - make_interval(secs => $1))
    ORDER BY school_id, id LIMIT $2
"""
WORKERS = "Start a worker (campaigns worker); if one runs, its log says what stops it."


async def examine_calls(connection: AsyncConnection, *, reconcile_seconds: int) -> list[Diagnosis]:
    """Look at calls to SES that are not over, and at those whose outcome nobody knows."""
    doubtful = 2 * reconcile_seconds + LEASE_GRACE_SECONDS
    ((calling, stuck, unknown, stale, undecided),) = await run_sql(
        connection, _CALLS, LEASE_GRACE_SECONDS, doubtful
    )
    found = []
    if stuck:
        found.append(find_wrong("leases", f"{stuck:,} calls outlived their lease", WORKERS))
    else:
        found.append(find_well("leases", f"{calling:,} calls to SES in flight, none outlived its lease"))
    if stale:
        words = f"{stale:,} calls are unknown for longer than the evidence takes"
        found.append(find_wrong("unknown outcomes", words, WORKERS))
    else:
        found.append(find_well("unknown outcomes", f"{unknown:,} calls wait for evidence"))
    if undecided:
        remedy = (
            "No event ever came for their configuration set: see campaigns aws doctor. retry-failed with "
            "include_unknown sends to them again; some may then have the mail twice."
        )
        found.append(find_notable("undecided", f"{undecided:,} recipients may have their mail", remedy))
    return found


async def examine_queue(connection: AsyncConnection, *, is_held: bool) -> Diagnosis:
    """Look at how long the mail whose turn it is has waited."""
    age = (await read_ages(connection)).due or 0.0
    if age < QUEUE_SECONDS:
        return find_well("queue", f"the oldest mail due waits {max(0.0, age):.0f} s")
    words = f"the oldest mail due waits {age:,.0f} s"
    if is_held:
        return find_notable("queue", f"{words}: the account's daily quota is used up", "Ask AWS for more.")
    remedy = f"{WORKERS} Where all run, the account's rate is the limit: ask AWS for more, or wait."
    return find_wrong("queue", words, remedy)


async def examine_campaigns(connection: AsyncConnection) -> list[Diagnosis]:
    """Name the campaigns that wait, and why; and those that should have begun."""
    waiting = await run_sql(connection, _WAITING, SHOWN)
    stuck = await run_sql(connection, _STUCK, START_SECONDS, SHOWN)
    found = [
        find_notable(
            "campaigns", f"{campaign} is {status}: {reason or 'a person paused it'}", "Resume or cancel it."
        )
        if status == "paused"
        else find_notable("campaigns", f"{campaign} waits: {reason}", "It goes on by itself.")
        for campaign, status, reason in waiting
    ]
    found += [
        find_wrong("campaigns", f"{campaign} should have left the state {status} by now", WORKERS)
        for campaign, status in stuck
    ]
    return found or [find_well("campaigns", "none waits for anybody")]
