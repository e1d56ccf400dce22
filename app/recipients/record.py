"""The only writer of recipient facts, counters and history.

`record_facts` locks the recipients in key order, adds new events to the history, merges, judges anew what
these may have shown to be a machine's, writes back, and changes the counters last, all in the caller's
transaction: what is in one is in all, or in none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.core.db import Database
from app.core.group_commit import GroupCommit
from app.core.metrics import COMMIT_ITEMS, EVENT_LAG_SECONDS
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.history import add_events
from app.recipients.outcome import State, merge_fact
from app.recipients.rejudging import judge_alone, needs_history, rejudge
from app.recipients.rows import (
    Campaign,
    Progress,
    add_to_counters,
    count_changes,
    lock_recipients,
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


async def record_facts(connection: AsyncConnection, facts: Sequence[Fact]) -> Recorded:
    """Record the facts in this transaction; facts about unknown recipients are returned, not kept."""
    by_recipient: dict[RecipientKey, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_recipient[fact.recipient].append(fact)
    before, erased = await lock_recipients(connection, sorted(by_recipient, key=RecipientKey.order))
    known = {key: judge_alone(before[key], by_recipient[key]) for key in before}
    for key in erased:  # what a server says of an address tends to repeat it
        known[key] = [replace(fact, diagnostic=None, agent=None) for fact in known[key]]
    fresh = await add_events(connection, [fact for group in known.values() for fact in group])
    after = {key: _merge(before[key], known[key], fresh) for key in known}
    doubtful = {key: after[key] for key in known if needs_history(before[key], known[key], fresh)}
    after.update(await rejudge(connection, doubtful))
    await write_back(connection, before, after)
    await add_to_counters(connection, count_changes(before, after), _see_progress(known))
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
        async with database.keyed_connection() as connection:
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
