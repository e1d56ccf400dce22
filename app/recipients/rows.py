"""Recipients' outcomes and their campaigns' counters: held, read, written back, many in a statement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import add, sub
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_lean
from app.recipients import statements
from app.recipients.counters import COUNTED, Tally, tally
from app.recipients.facts import RecipientKey
from app.recipients.outcome import State, read_status

NOTHING: Tally = (0,) * len(COUNTED)

Campaign = tuple[UUID, UUID]
"""A school's id and the campaign's."""
Progress = tuple[datetime | None, datetime | None]
"""The latest hand-off that SES answered with an acceptance, and the latest mail that an event told of."""


@dataclass(slots=True)
class Row:
    """A recipient that is held: its state as it was read, and what becomes of it."""

    key: RecipientKey
    is_erased: bool
    before: State
    after: State


async def hold_recipients(connection: AsyncConnection, keys: Sequence[RecipientKey]) -> None:
    """Lock those that exist, each once, in the order of the keys, until the transaction ends.

    That is the order of `RecipientKey.order`, so that nobody waits for one who waits for them.
    """
    if keys:
        same, values = statements.share_campaign(keys)
        await run_lean(connection, statements.hold_recipients(same), *values)


async def read_recipients(connection: AsyncConnection, keys: Sequence[RecipientKey]) -> list[Row]:
    """Return those that exist, in the order of the keys; the caller holds them."""
    if not keys:
        return []
    same, values = statements.share_campaign(keys)
    rows = await run_lean(connection, statements.read_recipients(same), *values)
    held = []
    for row in rows:
        state = State._make(row[4:])
        held.append(Row(RecipientKey(row[0], row[1], row[2]), row[3], state, state))
    if len(held) < len(keys):
        await drop_strangers(connection, keys)
    return held


async def drop_strangers(connection: AsyncConnection, keys: Sequence[RecipientKey]) -> set[RecipientKey]:
    """Remove what is held of those who are no recipients (any more), and return who that is.

    Whoever is taken out of a campaign at this moment is gone only once their lock is ours.
    """
    if not keys:
        return set()
    same, values = statements.share_campaign(keys)
    rows = await run_lean(connection, statements.find_strangers(same), *values)
    strangers = {RecipientKey(row[0], row[1], row[2]) for row in rows}
    if strangers:
        await run_lean(connection, statements.DROP_OUTCOMES, *statements.key_columns(strangers))
    return strangers


async def write_back(connection: AsyncConnection, rows: Sequence[Row]) -> dict[Campaign, Tally]:
    """Write the rows that changed, and of them the columns in which any did.

    Return what the counters of each campaign change by.
    """
    changed = [row for row in rows if row.after is not row.before and row.after != row.before]
    if not changed:
        return {}
    old, new = [_read(row.before) for row in changed], [_read(row.after) for row in changed]
    columns: dict[str, list[Any]] = {}
    for name, was, becomes in zip(
        ("status", *State._fields), zip(*old, strict=True), zip(*new, strict=True), strict=True
    ):
        if was != becomes:
            columns[name] = list(becomes)
    same, keys = statements.share_campaign([row.key for row in changed])
    await run_lean(connection, statements.write_back(tuple(columns), same), *keys, *columns.values())
    return _count_changes(changed)


def _read(state: State) -> tuple[Any, ...]:
    return (read_status(state), *state)


def _count_changes(rows: Iterable[Row]) -> dict[Campaign, Tally]:
    changes: dict[Campaign, Tally] = {}
    for campaign, group in groupby(rows, key=_read_campaign):
        tallies = [(tally(row.after), tally(row.before)) for row in group]
        now, then = (map(sum, zip(*each, strict=True)) for each in zip(*tallies, strict=True))
        known = changes.get(campaign, NOTHING)  # rows of one campaign need not stand together
        changes[campaign] = tuple(map(add, known, map(sub, now, then)))
    return changes


def add_changes(*changes: Mapping[Campaign, Tally]) -> dict[Campaign, Tally]:
    """Return changes of the counters as one."""
    total: dict[Campaign, Tally] = {}
    for each in changes:
        for campaign, change in each.items():
            known = total.get(campaign)
            total[campaign] = change if known is None else tuple(map(add, known, change))
    return total


def _read_campaign(row: Row) -> Campaign:
    return row.key.school_id, row.key.campaign_id


async def add_to_counters(
    connection: AsyncConnection, changes: Mapping[Campaign, Tally], progress: Mapping[Campaign, Progress]
) -> None:
    """Add to the counters, last of all: their rows are the ones that everybody needs."""
    for campaign in sorted(changes.keys() | progress.keys()):
        change, came = changes.get(campaign, NOTHING), progress.get(campaign, (None, None))
        if any(change) or any(came):
            await run_lean(connection, statements.ADD_TO_COUNTERS, *campaign, *change, *came)
