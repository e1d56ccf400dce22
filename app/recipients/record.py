"""The only writer of recipient facts, counters and history.

`record_facts` lets PostgreSQL itself merge what is plain (`plain.py`). For all else it holds the recipients
in key order, adds new events to the history, merges, judges anew what these may have shown to be a machine's,
and writes back. It changes the counters last. All is in the caller's transaction: what is in one table is in
all, or in none.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.core.db import Database
from app.core.group_commit import GroupCommit
from app.core.metrics import COMMIT_ITEMS, EVENT_LAG_SECONDS
from app.recipients.counters import Tally
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.history import add_events
from app.recipients.outcome import State, merge_fact
from app.recipients.plain import Plain, record_plain
from app.recipients.rejudging import judge_alone, needs_history, rejudge
from app.recipients.rows import (
    Campaign,
    Progress,
    Row,
    add_changes,
    add_to_counters,
    hold_recipients,
    read_recipients,
    write_back,
)

_OWN = frozenset({FactKind.OPENED, FactKind.CLICKED, FactKind.UNSUBSCRIBED, FactKind.RESUBSCRIBED})
"""Kinds of event that come from this product itself, not from SES."""
_FACTS_WRITTEN = COMMIT_ITEMS.labels("facts")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What recording found: facts about recipients that do not exist, and the keys of new events."""

    missing: tuple[Fact, ...]
    fresh: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Counted:
    """What is still to be added to the counters."""

    changes: Mapping[Campaign, Tally]
    progress: Mapping[Campaign, Progress]


async def record_facts(connection: AsyncConnection, facts: Sequence[Fact]) -> Recorded:
    """Record the facts in this transaction; facts about unknown recipients are returned, not kept."""
    recorded, counted = await record_rows(connection, facts)
    await add_to_counters(connection, counted.changes, counted.progress)
    return recorded


async def record_rows(connection: AsyncConnection, facts: Sequence[Fact]) -> tuple[Recorded, Counted]:
    """Record the facts but for the counters, which the caller adds to, once and last of all.

    Were they added to twice, a campaign's could be locked after those of one that comes later in the order.
    """
    by_recipient: dict[RecipientKey, list[Fact]] = {}
    for fact in facts:
        by_recipient.setdefault(fact.recipient, []).append(fact)
    told = [by_recipient[key] for key in sorted(by_recipient, key=RecipientKey.order)]
    plain = await record_plain(connection, told, held=False)
    if plain is None:
        await hold_recipients(connection, [facts[0].recipient for facts in told])
        plain = await record_plain(connection, told, held=True) or Plain()
    left = [facts for facts in told if plain.done.get(facts[0].key or b"") is not facts[0]]
    general = await _record_any(connection, left)
    known = [*plain.done.values(), *general.known]
    counted = Counted(add_changes(plain.changes, general.changes), _see_progress(known))
    fresh = frozenset(plain.fresh | general.fresh)
    _measure(facts, fresh)
    if len(known) == len(facts):
        return Recorded((), fresh), counted
    found = {fact.recipient for fact in known}
    return Recorded(tuple(fact for fact in facts if fact.recipient not in found), fresh), counted


@dataclass(frozen=True, slots=True)
class _General:
    """What the general way recorded: facts of recipients that exist, new keys, changes of the counters."""

    known: Sequence[Fact] = ()
    fresh: Set[bytes] = frozenset()
    changes: Mapping[Campaign, Tally] = field(default_factory=dict)


async def _record_any(connection: AsyncConnection, told: Sequence[Sequence[Fact]]) -> _General:
    """Record any facts at all, of one recipient each sequence, in the order of keys."""
    if not told:
        return _General()
    by_recipient = {facts[0].recipient: facts for facts in told}
    rows = await read_recipients(connection, list(by_recipient))
    known = [_hear(row, by_recipient[row.key]) for row in rows]
    fresh = await add_events(connection, known)
    doubtful = []
    for row, facts in zip(rows, known, strict=True):
        row.after = _merge(row.before, facts, fresh)
        if needs_history(row.before, facts, fresh):
            doubtful.append(row)
    await rejudge(connection, doubtful)
    changes = await write_back(connection, rows)
    return _General([fact for facts in known for fact in facts], fresh, changes)


def _hear(row: Row, facts: Sequence[Fact]) -> Sequence[Fact]:
    if row.is_erased:  # what a server says of an address tends to repeat it
        facts = [fact._replace(diagnostic=None, agent=None) for fact in facts]
    return judge_alone(row.before, facts)


def _measure(facts: Sequence[Fact], fresh: Set[bytes]) -> None:
    if facts:
        _FACTS_WRITTEN.observe(len(facts))
    at = now()
    for fact in facts:
        if fact.kind not in _OWN and fact.key in fresh:
            EVENT_LAG_SECONDS.observe(max(0.0, (at - fact.at).total_seconds()))


def make_recorder(
    database: Database, *, side_by_side: int = 1, patience: float | None = None
) -> GroupCommit[Fact]:
    """Return the road of single facts (opens, clicks): each is durable when its submission returns."""

    async def write(facts: Sequence[Fact]) -> None:
        async with database.keyed_connection() as connection:
            await record_facts(connection, facts)

    return GroupCommit(write, side_by_side=side_by_side, patience=patience)


def _merge(state: State, facts: Sequence[Fact], fresh: Set[bytes]) -> State:
    counted: set[bytes] = set()
    for fact in facts:
        is_new = fact.key is None or (fact.key in fresh and fact.key not in counted)
        if fact.key is not None and len(facts) > 1:
            counted.add(fact.key)
        state = merge_fact(state, fact, is_new=is_new)
    return state


def _see_progress(known: Iterable[Fact]) -> dict[Campaign, Progress]:
    """Return how far SES's answers and its events have come in each campaign: what silence is judged by."""
    progress: dict[Campaign, Progress] = {}
    for fact in known:
        if fact.kind in _OWN:
            continue
        campaign = (fact.recipient.school_id, fact.recipient.campaign_id)
        accepted, heard = progress.get(campaign, (None, None))
        if fact.kind is FactKind.ACCEPTED:
            accepted = max(accepted or fact.at, fact.at)
        elif fact.key is not None and fact.mailed_at is not None:
            heard = max(heard or fact.mailed_at, fact.mailed_at)
        progress[campaign] = (accepted, heard)
    return progress
