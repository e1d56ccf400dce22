"""Judging recipients' opens and clicks anew: the history and their rows follow the verdicts."""

from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.history import mark_traces, read_traces
from app.recipients.machine import AT_DELIVERY, Trace, Verdicts, is_at_delivery, judge_history, read_sign
from app.recipients.outcome import State
from app.recipients.rows import Row

MOST_TRACES: Final = 1000
"""Whose link is followed a thousand times is judged no more: each visit would read all those before it."""
_TELLING: Final = frozenset({FactKind.OPENED, FactKind.CLICKED, FactKind.DELIVERED, FactKind.NOTED})
_FIELDS: Final = {FactKind.OPENED: "open", FactKind.CLICKED: "click"}
_INSTANTS: Final = {FactKind.OPENED: "opened", FactKind.CLICKED: "clicked"}


def judge_alone(state: State, facts: Sequence[Fact]) -> Sequence[Fact]:
    """Judge a recipient's first click without the history: all that it would tell is at hand.

    `state` is the recipient's before these facts. Facts it cannot judge are returned as they are.
    """
    clicks = [fact for fact in facts if fact.kind is FactKind.CLICKED]
    if len(clicks) != 1 or state.click_count or state.machine_click_count:
        return facts
    (click,) = clicks
    verdict = read_sign(click)
    if verdict is None and is_at_delivery(click.at, _find_delivery(state, facts)):
        verdict = AT_DELIVERY
    if verdict == click.machine:
        return facts
    return [fact._replace(machine=verdict) if fact is click else fact for fact in facts]


def needs_history(before: State, facts: Sequence[Fact], fresh: Set[bytes]) -> bool:
    """Tell whether these facts can change what is thought of opens and clicks (a first click aside)."""
    clicks = before.click_count + before.machine_click_count
    heard = [fact for fact in facts if fact.kind is FactKind.DELIVERED or fact.key in fresh]
    if clicks + before.open_count + before.machine_open_count + len(heard) > MOST_TRACES:
        return False
    if before.suspected or any(fact.kind is FactKind.NOTED and fact.machine for fact in heard):
        return any(fact.kind in _TELLING for fact in heard)
    new_clicks = sum(fact.kind is FactKind.CLICKED for fact in heard)
    if new_clicks:
        return clicks + new_clicks > 1
    return clicks > 0 and any(fact.kind is FactKind.DELIVERED for fact in heard)


async def rejudge(
    connection: AsyncConnection,
    rows: Iterable[Row],
    *,
    read_again: Callable[[Trace], Trace] | None = None,
) -> list[Row]:
    """Judge these recipients by their whole history, mark it, and return those whose state this changes.

    Their rows are locked. `read_again` gives each event with what the request's own signs would be today.
    """
    doubtful = {row.key: row for row in rows}
    if not doubtful:
        return []
    traces, links = await read_traces(connection, doubtful)
    changes: dict[RecipientKey, Verdicts] = {}
    for key, held in traces.items():
        row = doubtful[key]
        seen = [read_again(trace) for trace in held] if read_again else held
        verdicts = judge_history(seen, row.after.delivered_at, links[key])
        changed = {
            (trace.key, trace.at): verdicts[trace.key, trace.at]
            for trace in held
            if (trace.key, trace.at) in verdicts and verdicts[trace.key, trace.at] != trace.machine
        }
        if changed:
            changes[key] = changed
            row.after = follow_verdicts(row.after, held, verdicts)
    await mark_traces(connection, changes)
    return [doubtful[key] for key in changes]


def follow_verdicts(state: State, held: Sequence[Trace], verdicts: Verdicts) -> State:
    """Return the state once the history follows the verdicts: what it counted moves, nothing is recounted.

    So a history of which old months were dropped keeps what they had counted.
    """
    for kind, word in _FIELDS.items():
        ours = [(trace, verdicts[trace.key, trace.at]) for trace in held if trace.kind == kind]
        if all(bool(trace.machine) is bool(verdict) for trace, verdict in ours):
            continue
        to_machines = sum(bool(verdict) - bool(trace.machine) for trace, verdict in ours)
        people = [trace.at for trace, verdict in ours if not verdict]
        count, machines = f"{word}_count", f"machine_{word}_count"
        changes: dict[str, Any] = {
            count: getattr(state, count) - to_machines,
            machines: getattr(state, machines) + to_machines,
            f"first_{_INSTANTS[kind]}_at": min(people, default=None),
            f"last_{_INSTANTS[kind]}_at": max(people, default=None),
        }
        state = state._replace(**changes)
    return state


def _find_delivery(state: State, facts: Iterable[Fact]) -> datetime | None:
    heard = [fact.at for fact in facts if fact.kind is FactKind.DELIVERED]
    if state.delivered_at:
        heard.append(state.delivered_at)
    return min(heard, default=None)
