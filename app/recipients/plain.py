"""The plain case of recording: what nearly every event is, and changes in one constant way.

A visit of somebody whose mail was accepted, a first click, a delivery of which nothing else is known: what
`outcome.merge_fact` makes of them depends on so little that PostgreSQL makes it itself, and no row travels
back and forth. Whatever is not plain is left for the general way of `record.py`, to the same effect.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from operator import add, sub
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_lean
from app.recipients.counters import Tally, tally
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.machine import read_sign
from app.recipients.outcome import State, merge_fact
from app.recipients.plain_statements import REPORT, record_reports, record_visits
from app.recipients.rows import NOTHING, Campaign
from app.recipients.statements import EVENT, lay_out, tell_event

Told = Sequence[Sequence[Fact]]
"""Facts, of one recipient each sequence, in the order of `RecipientKey.order`."""

_VISITS: Final = frozenset({FactKind.OPENED, FactKind.CLICKED})
_REPORTS: Final = frozenset({FactKind.SENT, FactKind.DELIVERED})
_ANYBODY: Final = RecipientKey(UUID(int=0), UUID(int=0), 0)
_SOMETIME: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Plain:
    """What was recorded: the facts by their keys, which of these were new, and how the counters change."""

    done: dict[bytes, Fact] = field(default_factory=dict)
    fresh: set[bytes] = field(default_factory=set)
    changes: dict[Campaign, Tally] = field(default_factory=dict)


async def record_plain(connection: AsyncConnection, told: Told, *, held: bool) -> Plain | None:
    """Record those of the facts that are plain; `held` says whether the caller holds all their recipients.

    If not, all of them are held from here on, those of the other facts as well. Where nothing may be plain,
    or somebody has no outcome yet, nobody is held and nothing recorded: it returns None.
    """
    plain = Plain()
    visits, reports = _pick(told, _VISITS), _pick(told, _REPORTS)
    if visits and not await _record_visits(connection, told, visits, plain, held=held):
        return None
    if reports and not await _record_reports(connection, told, reports, plain, held=held or bool(visits)):
        return None
    return plain if held or visits or reports else None


def _pick(told: Told, kinds: Collection[FactKind]) -> dict[bytes, Fact]:
    """Return the facts of these kinds that are all there is to say of their recipients, by their keys."""
    return {
        fact.key: fact
        for fact in (facts[0] for facts in told if len(facts) == 1)
        if fact.kind in kinds and fact.key is not None and _says_no_more(fact)
    }


def _says_no_more(fact: Fact) -> bool:
    """Tell whether a visit says nothing of the mail itself, and of a machine only what its request showed."""
    if fact.kind in _REPORTS:
        return fact.machine is None
    return fact.message_id is None and fact.mailed_at is None and read_sign(fact) == fact.machine


async def _record_visits(
    connection: AsyncConnection, told: Told, visits: Mapping[bytes, Fact], plain: Plain, *, held: bool
) -> bool:
    same, values = lay_out(EVENT, (_tell(facts, visits) for facts in told), apart="number")
    ((done, keys, *counts),) = await run_lean(connection, record_visits(same, held=held), *values)
    changes: list[tuple[Fact, Tally]] = []
    for key, opens, machine_opens, clicks in zip(keys or (), *(each or () for each in counts), strict=True):
        fact = plain.done[key] = visits[key]
        before = _count_before(fact, opens, machine_opens, clicks)
        changes.append((fact, _weigh(fact.kind, bool(fact.machine), *before)))
    plain.fresh.update(keys or ())
    _count(plain.changes, changes)
    return bool(done)


async def _record_reports(
    connection: AsyncConnection, told: Told, reports: Mapping[bytes, Fact], plain: Plain, *, held: bool
) -> bool:
    rows = ((*_tell(facts, reports), facts[0].mailed_at, facts[0].message_id) for facts in told)
    same, values = lay_out(REPORT, rows, apart="number")
    ((done, keys, fresh),) = await run_lean(connection, record_reports(same, held=held), *values)
    recorded = {key: reports[key] for key in keys or ()}
    plain.done.update(recorded)
    plain.fresh.update(fresh or ())
    _count(plain.changes, ((fact, _weigh(fact.kind)) for fact in recorded.values()))
    return bool(done)


def _tell(facts: Sequence[Fact], picked: Mapping[bytes, Fact]) -> tuple[object, ...]:
    """Return the columns of an event; of a recipient with another fact the key alone."""
    fact = facts[0]
    if picked.get(fact.key or b"") is fact:
        return tell_event(fact)
    return (*fact.recipient, *(None,) * (len(EVENT) - len(fact.recipient)))


def _count_before(fact: Fact, opens: int, machine_opens: int, clicks: int) -> tuple[bool, bool, bool]:
    """Tell whether there was any open, any by a machine, any click, before this visit was counted."""
    if fact.kind is FactKind.OPENED:
        return opens > (not fact.machine), machine_opens > bool(fact.machine), clicks > 0
    return opens > 0, machine_opens > 0, False


@cache
def _weigh(
    kind: FactKind,
    by_machine: bool = False,
    opened: bool = False,
    machine_opened: bool = False,
    clicked: bool = False,
) -> Tally:
    """Return how the counters change with a plain fact, by what there was before: as merging it does."""
    before = State(
        accepted_at=_SOMETIME, open_count=opened, machine_open_count=machine_opened, click_count=clicked
    )
    fact = Fact(_ANYBODY, kind, _SOMETIME, machine="a machine" if by_machine else None)
    return tuple(map(sub, tally(merge_fact(before, fact)), tally(before)))


def _count(total: dict[Campaign, Tally], changes: Iterable[tuple[Fact, Tally]]) -> None:
    """Add the change that each fact makes to those of its campaign."""
    # By the campaign's number: a UUID's own hash is slow.
    seen: dict[int, tuple[RecipientKey, dict[Tally, int]]] = {}
    for fact, change in changes:
        key = fact.recipient
        _, times = seen.setdefault(key.campaign_id.int, (key, {}))
        times[change] = times.get(change, 0) + 1
    for key, times in seen.values():
        campaign = key.school_id, key.campaign_id
        for change, count in times.items():
            known = total.get(campaign, NOTHING)
            total[campaign] = tuple(map(add, known, (count * each for each in change)))
