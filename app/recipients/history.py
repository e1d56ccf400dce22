"""The history of events in PostgreSQL: each once, and of opens and clicks why they are machines'."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_lean
from app.recipients import statements
from app.recipients.facts import Fact, RecipientKey
from app.recipients.machine import TELLING_KINDS, Trace, Verdicts


async def add_events(connection: AsyncConnection, told: Iterable[Sequence[Fact]]) -> set[bytes]:
    """Add those with a key that are not there yet; return the keys of these.

    `told` are the facts of one recipient each.
    """
    events = [
        statements.tell_event(fact)
        for facts in told
        for fact in (facts if len(facts) == 1 else {fact.key: fact for fact in facts}.values())
        if fact.key is not None
    ]
    if not events:
        return set()
    same, values = statements.lay_out(statements.EVENT, events, apart="key")
    return {row[0] for row in await run_lean(connection, statements.add_events(same), *values)}


async def read_traces(
    connection: AsyncConnection, keys: Collection[RecipientKey]
) -> tuple[Mapping[RecipientKey, Sequence[Trace]], Mapping[RecipientKey, int]]:
    """Return the opens and clicks of these recipients, and how many links their mail has."""
    traces: dict[RecipientKey, list[Trace]] = defaultdict(list)
    links: dict[RecipientKey, int] = {}
    columns = statements.key_columns(keys)
    for row in await run_lean(connection, statements.READ_TRACES, *columns, list(TELLING_KINDS)):
        key = RecipientKey(row[0], row[1], row[2])
        links[key] = row[3]
        traces[key].append(Trace(*row[4:]))
    return traces, links


async def mark_traces(connection: AsyncConnection, changes: Mapping[RecipientKey, Verdicts]) -> None:
    """Write the verdicts into the history."""
    rows = [
        (key.school_id, key.campaign_id, key.number, at, event, verdict)
        for key, verdicts in changes.items()
        for (event, at), verdict in verdicts.items()
    ]
    if rows:
        columns = (list(column) for column in zip(*rows, strict=True))
        await run_lean(connection, statements.MARK_TRACES, *columns)
