"""The only writer of recipient facts, counters and history.

`record_facts` locks the recipients in key order, adds new events to the history, merges, writes back, and
changes the counters last, all in the caller's transaction: what is in one is in all, or in none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.core.db import Database, run_sql
from app.core.group_commit import GroupCommit
from app.core.metrics import COMMIT_ITEMS, EVENT_LAG_SECONDS
from app.recipients import statements
from app.recipients.counters import COUNTED, Tally, tally
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.outcome import State, merge_fact, read_status

STATE_FIELDS = tuple(field.name for field in fields(State))
_OWN = frozenset({FactKind.OPENED, FactKind.CLICKED, FactKind.UNSUBSCRIBED, FactKind.RESUBSCRIBED})
"""Kinds of event that come from this product itself, not from SES."""
_FACTS_WRITTEN = COMMIT_ITEMS.labels("facts")
_NOTHING: Tally = (0,) * len(COUNTED)

Campaign = tuple[UUID, UUID]
"""A school's id and the campaign's."""
Progress = tuple[datetime | None, datetime | None]
"""The latest hand-off that SES answered with an acceptance, and the latest mail that an event told of."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording found: facts about recipients that do not exist, and the keys of new events."""

    missing: tuple[Fact, ...]
    fresh: frozenset[bytes]


async def record_facts(connection: AsyncConnection, facts: Sequence[Fact]) -> Recorded:
    """Record the facts in this transaction; facts about unknown recipients are returned, not kept."""
    by_recipient: dict[RecipientKey, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_recipient[fact.recipient].append(fact)
    before, erased = await _lock_recipients(connection, sorted(by_recipient, key=RecipientKey.order))
    known = {key: by_recipient[key] for key in before}
    for key in erased:  # what a server says of an address tends to repeat it
        known[key] = [replace(fact, diagnostic=None) for fact in known[key]]
    fresh = await _add_events(connection, [fact for group in known.values() for fact in group])
    after = {key: _merge(before[key], known[key], fresh) for key in known}
    await _write_back(connection, {key: state for key, state in after.items() if state != before[key]})
    await _add_to_counters(connection, _count_changes(before, after), _see_progress(known))
    _measure(facts, fresh)
    missing = tuple(fact for fact in facts if fact.recipient not in before)
    return Recorded(missing, frozenset(fresh))


def _measure(facts: Sequence[Fact], fresh: set[bytes]) -> None:
    if facts:
        _FACTS_WRITTEN.observe(len(facts))
    at = now()
    for fact in facts:
        if fact.key in fresh and fact.kind not in _OWN:
            EVENT_LAG_SECONDS.observe(max(0.0, (at - fact.at).total_seconds()))


def make_recorder(database: Database) -> GroupCommit[Fact]:
    """Return the road of single facts (opens, clicks): each is durable when its submission returns."""

    async def write(facts: Sequence[Fact]) -> None:
        async with database.connection() as connection:
            await record_facts(connection, facts)

    return GroupCommit(write)


def _merge(state: State, facts: Iterable[Fact], fresh: set[bytes]) -> State:
    counted: set[bytes] = set()
    for fact in facts:
        is_new = fact.key is None or (fact.key in fresh and fact.key not in counted)
        if fact.key is not None:
            counted.add(fact.key)
        state = merge_fact(state, fact, is_new=is_new)
    return state


async def _lock_recipients(
    connection: AsyncConnection, keys: Sequence[RecipientKey]
) -> tuple[dict[RecipientKey, State], list[RecipientKey]]:
    """Lock them and return their states, and which of them belong to people who were erased."""
    columns = (
        [key.school_id for key in keys],
        [key.campaign_id for key in keys],
        [key.number for key in keys],
    )
    rows = await run_sql(connection, statements.LOCK_RECIPIENTS, *columns)
    found = {RecipientKey(row[0], row[1], row[2]): row for row in rows}
    return {key: State(*row[4:]) for key, row in found.items()}, [key for key, row in found.items() if row[3]]


async def _add_events(connection: AsyncConnection, facts: Iterable[Fact]) -> set[bytes]:
    events = {
        (fact.key, fact.recipient): (
            fact.recipient.school_id,
            fact.recipient.campaign_id,
            fact.recipient.number,
            fact.at,
            fact.key,
            fact.note or fact.kind.value,
            fact.machine,
            fact.link,
            fact.code,
            fact.diagnostic,
        )
        for fact in facts
        if fact.key is not None
    }
    if not events:
        return set()
    columns = tuple(list(column) for column in zip(*events.values(), strict=True))
    return {row[0] for row in await run_sql(connection, statements.ADD_EVENTS, *columns)}


async def _write_back(connection: AsyncConnection, states: dict[RecipientKey, State]) -> None:
    if not states:
        return
    rows = [
        (key.school_id, key.campaign_id, key.number, read_status(state), *astuple(state))
        for key, state in states.items()
    ]
    columns = tuple(list(column) for column in zip(*rows, strict=True))
    await run_sql(connection, statements.WRITE_BACK, *columns)


def _count_changes(
    before: dict[RecipientKey, State], after: dict[RecipientKey, State]
) -> dict[Campaign, Tally]:
    changes: dict[Campaign, Tally] = defaultdict(lambda: _NOTHING)
    for key, state in after.items():
        was = before[key]
        if state != was:
            campaign = (key.school_id, key.campaign_id)
            added = zip(changes[campaign], tally(state), tally(was), strict=True)
            changes[campaign] = tuple(total + now - then for total, now, then in added)
    return changes


def _see_progress(known: Mapping[RecipientKey, Sequence[Fact]]) -> dict[Campaign, Progress]:
    """Return how far SES's answers and its events have come in each campaign: what silence is judged by."""
    progress: dict[Campaign, Progress] = defaultdict(lambda: (None, None))
    for key, facts in known.items():
        for fact in facts:
            campaign = (key.school_id, key.campaign_id)
            accepted, heard = progress[campaign]
            if fact.kind is FactKind.ACCEPTED:
                accepted = max(accepted or fact.at, fact.at)
            elif fact.key is not None and fact.kind not in _OWN and fact.mailed_at is not None:
                heard = max(heard or fact.mailed_at, fact.mailed_at)
            progress[campaign] = (accepted, heard)
    return progress


async def _add_to_counters(
    connection: AsyncConnection, changes: Mapping[Campaign, Tally], progress: Mapping[Campaign, Progress]
) -> None:
    for campaign in sorted(changes.keys() | progress.keys()):
        change, came = changes.get(campaign, _NOTHING), progress.get(campaign, (None, None))
        if any(change) or any(came):
            await run_sql(connection, statements.ADD_TO_COUNTERS, *campaign, *change, *came)
