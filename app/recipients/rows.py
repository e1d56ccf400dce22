"""Recipients' rows and their campaigns' counters: locked, written back, added to, many in a statement."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from operator import attrgetter, sub
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql
from app.recipients import statements
from app.recipients.counters import COUNTED, Tally, tally
from app.recipients.facts import RecipientKey
from app.recipients.outcome import State, read_status

NOTHING: Tally = (0,) * len(COUNTED)
_FIELDS = tuple(field.name for field in fields(State))
_read_fields = attrgetter(*_FIELDS)

Campaign = tuple[UUID, UUID]
"""A school's id and the campaign's."""
Progress = tuple[datetime | None, datetime | None]
"""The latest hand-off that SES answered with an acceptance, and the latest mail that an event told of."""
States = Mapping[RecipientKey, State]


async def lock_recipients(
    connection: AsyncConnection, keys: Sequence[RecipientKey]
) -> tuple[dict[RecipientKey, State], list[RecipientKey]]:
    """Lock them and return their states, and which of them belong to people who were erased.

    The keys come in the order of `RecipientKey.order`, so that nobody waits for one who waits for them.
    """
    rows = await run_sql(connection, statements.LOCK_RECIPIENTS, *statements.key_columns(keys))
    states, erased = {}, []
    for row in rows:
        key = RecipientKey(row[0], row[1], row[2])
        states[key] = State(*row[4:])
        if row[3]:
            erased.append(key)
    return states, erased


async def write_back(connection: AsyncConnection, before: States, after: States) -> None:
    """Write the states that changed, and of them the columns in which any did."""
    changed = {key: state for key, state in after.items() if state != before[key]}
    if not changed:
        return
    old, new = [_read(before[key]) for key in changed], [_read(state) for state in changed.values()]
    columns: dict[str, list[Any]] = {}
    for name, was, becomes in zip(
        ("status", *_FIELDS), zip(*old, strict=True), zip(*new, strict=True), strict=True
    ):
        if was != becomes:
            columns[name] = list(becomes)
    keys = statements.key_columns(changed)
    await run_sql(connection, statements.write_back(tuple(columns)), *keys, *columns.values())


def _read(state: State) -> tuple[Any, ...]:
    return (read_status(state), *_read_fields(state))


def count_changes(before: States, after: States) -> dict[Campaign, Tally]:
    """Return what the counters of each campaign change by."""
    now, then = _add_up(before, after, after), _add_up(before, after, before)
    return {campaign: tuple(map(sub, now[campaign], then[campaign])) for campaign in now}


def _add_up(before: States, after: States, states: States) -> dict[Campaign, Tally]:
    """Add up what those who changed add to the counters in these states."""
    tallies: dict[Campaign, list[Tally]] = defaultdict(list)
    for key, state in after.items():
        if state != before[key]:
            tallies[key.school_id, key.campaign_id].append(tally(states[key]))
    return {campaign: tuple(map(sum, zip(*each, strict=True))) for campaign, each in tallies.items()}


async def add_to_counters(
    connection: AsyncConnection, changes: Mapping[Campaign, Tally], progress: Mapping[Campaign, Progress]
) -> None:
    """Add to the counters, last of all: their rows are the ones that everybody needs."""
    for campaign in sorted(changes.keys() | progress.keys()):
        change, came = changes.get(campaign, NOTHING), progress.get(campaign, (None, None))
        if any(change) or any(came):
            await run_sql(connection, statements.ADD_TO_COUNTERS, *campaign, *change, *came)
