"""Judging recipients' opens and clicks anew: the history and their rows follow the verdicts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.history import mark_traces, read_traces
from app.recipients.machine import Trace, Verdicts, judge_history
from app.recipients.outcome import State

MOST_TRACES: Final = 1000
"""Whose link is followed a thousand times is judged no more: each visit would read all those before it."""
_FIELDS: Final = {FactKind.OPENED: "open", FactKind.CLICKED: "click"}
_INSTANTS: Final = {FactKind.OPENED: "opened", FactKind.CLICKED: "clicked"}


def judge_alone(state: State, facts: Sequence[Fact]) -> Sequence[Fact]:
    """Judge a recipient's first click without the history: all that it would tell is at hand.

    `state` is the recipient's before these facts. Facts it cannot judge are returned as they are.
    """
    clicks = [fact for fact in facts if fact.kind is FactKind.CLICKED]
    if len(clicks) != 1 or state.click_count or state.machine_click_count:
        return facts
    click, delivered_at = clicks[0], _find_delivery(state, facts)
    trace = Trace(click.key or b"", click.kind.value, click.at, click.machine, click.link)
    (verdict,) = judge_history([trace], delivered_at, links=0).values()
    if verdict == click.machine:
        return facts
    return [replace(fact, machine=verdict) if fact is click else fact for fact in facts]


def needs_history(before: State, facts: Iterable[Fact], fresh: set[bytes]) -> bool:
    """Tell whether these facts can change what is thought of opens and clicks (a first click aside)."""
    clicks = before.click_count + before.machine_click_count
    heard = [fact for fact in facts if fact.key in fresh or fact.kind is FactKind.DELIVERED]
    new_clicks = sum(fact.kind is FactKind.CLICKED for fact in heard)
    if clicks + before.open_count + before.machine_open_count + len(heard) > MOST_TRACES:
        return False
    if new_clicks and clicks + new_clicks > 1:
        return True
    kinds = {fact.kind for fact in heard}
    if before.suspected or any(fact.kind is FactKind.NOTED and fact.machine for fact in heard):
        return bool(kinds & {FactKind.OPENED, FactKind.CLICKED, FactKind.DELIVERED, FactKind.NOTED})
    return FactKind.DELIVERED in kinds and clicks > 0


async def rejudge(
    connection: AsyncConnection,
    states: Mapping[RecipientKey, State],
    *,
    read_again: Callable[[Trace], Trace] | None = None,
) -> dict[RecipientKey, State]:
    """Judge these recipients by their whole history, mark it, and return the states that this changes.

    Their rows are locked. `read_again` gives each event with what the request's own signs would be today.
    """
    if not states:
        return {}
    traces, links = await read_traces(connection, states)
    changes: dict[RecipientKey, Verdicts] = {}
    after: dict[RecipientKey, State] = {}
    for key, held in traces.items():
        seen = [read_again(trace) for trace in held] if read_again else held
        verdicts = judge_history(seen, states[key].delivered_at, links[key])
        changed = {
            (trace.key, trace.at): verdicts[trace.key, trace.at]
            for trace in held
            if (trace.key, trace.at) in verdicts and verdicts[trace.key, trace.at] != trace.machine
        }
        if changed:
            changes[key] = changed
            after[key] = follow_verdicts(states[key], held, verdicts)
    await mark_traces(connection, changes)
    return after


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
        state = replace(state, **changes)
    return state


def _find_delivery(state: State, facts: Sequence[Fact]) -> datetime | None:
    heard = [fact.at for fact in facts if fact.kind is FactKind.DELIVERED]
    return min([*heard, *([state.delivered_at] if state.delivered_at else [])], default=None)
