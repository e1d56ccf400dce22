"""How facts about one recipient merge, and what they mean together (pure).

Merging is a join: facts are kept as earliest and latest instants, as maxima in a fixed order, and as counts
of deduplicated events. So it is commutative, associative and idempotent: order and repetition cannot matter.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from app.recipients.facts import Fact, FactKind

HANDOFF_ORDER = ("queued", "unknown", "refused")
"""Within one attempt a later word wins: what is refused is no longer unknown. A new attempt starts over."""

REASON_RANKS = {
    FactKind.DELAYED: 1,
    FactKind.REFUSED: 2,
    FactKind.AUTO_REPLIED: 3,
    FactKind.SOFT_BOUNCED: 4,
    FactKind.REJECTED: 5,
    FactKind.BOUNCED: 6,
    FactKind.COMPLAINED: 7,
}
_NEVER = datetime.min.replace(tzinfo=UTC)


class State(NamedTuple):
    """The facts known of one recipient; field names are those of the table's columns.

    A tuple, because rows come and go by the hundred thousand: it is made, changed and compared in C.
    """

    attempt: int = 1
    handoff: str = "queued"
    accepted_at: datetime | None = None
    message_id: str | None = None
    delivered_at: datetime | None = None
    soft_bounced_at: datetime | None = None
    auto_replied_at: datetime | None = None
    bounced_at: datetime | None = None
    complained_at: datetime | None = None
    rejected_at: datetime | None = None
    reason_rank: int = 0
    reason_at: datetime | None = None
    reason_code: str | None = None
    diagnostic: str | None = None
    first_opened_at: datetime | None = None
    last_opened_at: datetime | None = None
    open_count: int = 0
    machine_open_count: int = 0
    first_clicked_at: datetime | None = None
    last_clicked_at: datetime | None = None
    click_count: int = 0
    machine_click_count: int = 0
    unsubscribed: bool = False
    unsubscribed_at: datetime | None = None
    suspected: bool = False


def merge_fact(state: State, fact: Fact, *, is_new: bool = True) -> State:
    """Return the state with the fact in it; `is_new` is whether its event was not yet in the history."""
    return _MERGES[fact.kind](_merge_reason(state, fact), fact, is_new)


def read_status(state: State) -> str:
    """Return the ONE delivery status that the facts add up to.

    A complaint proves delivery. A bounce after a delivery is the mailbox's later word and wins, except for
    a general transient one: that is an out-of-office reply, and the mail was delivered.
    """
    if state.complained_at:
        return "complained"
    if state.bounced_at:
        return "bounced"
    if state.rejected_at:
        return "failed"
    if state.soft_bounced_at:
        return "soft_bounced"
    if state.delivered_at:
        return "delivered"
    if state.auto_replied_at:
        return "soft_bounced"
    if state.accepted_at:
        return "accepted"
    return {"queued": "queued", "unknown": "unknown", "refused": "failed"}[state.handoff]


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _merge_reason(state: State, fact: Fact) -> State:
    """Keep the reason of the weightiest fact; of two as weighty the later, then by the words themselves."""
    rank = REASON_RANKS.get(fact.kind)
    if rank is None:
        return state
    here = (state.reason_rank, state.reason_at or _NEVER, state.reason_code or "", state.diagnostic or "")
    there = (rank, fact.at, fact.code or "", fact.diagnostic or "")
    if there <= here:
        return state
    return state._replace(
        reason_rank=rank, reason_at=fact.at, reason_code=fact.code, diagnostic=fact.diagnostic
    )


def _accept(state: State, fact: Fact, is_new: bool = True) -> State:  # one shape for all merges
    del is_new
    at = fact.mailed_at or fact.at
    if state.accepted_at is None:
        return state._replace(accepted_at=at, message_id=fact.message_id)
    earliest = min(state.accepted_at, at)
    message_id = min(filter(None, (state.message_id, fact.message_id)), default=None)
    if earliest == state.accepted_at and message_id == state.message_id:
        return state
    return state._replace(accepted_at=earliest, message_id=message_id)


def _hand_off(word: str) -> Callable[[State, Fact, bool], State]:
    def merge(state: State, fact: Fact, _: bool) -> State:
        here = (state.attempt, HANDOFF_ORDER.index(state.handoff))
        there = (fact.attempt, HANDOFF_ORDER.index(word))
        return state._replace(attempt=fact.attempt, handoff=word) if there > here else state

    return merge


def _happened(field: str) -> Callable[[State, Fact, bool], State]:
    def merge(state: State, fact: Fact, _: bool) -> State:
        changes: dict[str, Any] = {field: _earlier(getattr(state, field), fact.at)}
        return _accept(state, fact)._replace(**changes)

    return merge


def _evidence(state: State, fact: Fact, _: bool) -> State:
    return _accept(state, fact)


def _open(state: State, fact: Fact, is_new: bool) -> State:  # one shape for all merges
    state = _accept(state, fact)
    if not is_new:
        return state
    if fact.machine:
        return state._replace(machine_open_count=state.machine_open_count + 1)
    return state._replace(
        first_opened_at=_earlier(state.first_opened_at, fact.at),
        last_opened_at=_later(state.last_opened_at, fact.at),
        open_count=state.open_count + 1,
    )


def _click(state: State, fact: Fact, is_new: bool) -> State:  # one shape for all merges
    state = _accept(state, fact)
    if not is_new:
        return state
    if fact.machine:
        return state._replace(machine_click_count=state.machine_click_count + 1)
    return state._replace(
        first_clicked_at=_earlier(state.first_clicked_at, fact.at),
        last_clicked_at=_later(state.last_clicked_at, fact.at),
        click_count=state.click_count + 1,
    )


def _note(state: State, fact: Fact, _: bool) -> State:
    state = _accept(state, fact)
    return state._replace(suspected=True) if fact.machine else state


def _set_subscription(*, unsubscribed: bool) -> Callable[[State, Fact, bool], State]:
    def merge(state: State, fact: Fact, _: bool) -> State:
        state = _accept(state, fact)  # the link is nowhere but in the mail
        here = (state.unsubscribed_at or _NEVER, state.unsubscribed)
        if (fact.at, unsubscribed) <= here:
            return state
        return state._replace(unsubscribed=unsubscribed, unsubscribed_at=fact.at)

    return merge


_MERGES: dict[FactKind, Callable[[State, Fact, bool], State]] = {
    FactKind.ACCEPTED: _accept,
    FactKind.UNKNOWN: _hand_off("unknown"),
    FactKind.REQUEUED: _hand_off("queued"),
    FactKind.REFUSED: _hand_off("refused"),
    FactKind.SENT: _evidence,
    FactKind.DELAYED: _evidence,
    FactKind.DELIVERED: _happened("delivered_at"),
    FactKind.SOFT_BOUNCED: _happened("soft_bounced_at"),
    FactKind.AUTO_REPLIED: _happened("auto_replied_at"),
    FactKind.BOUNCED: _happened("bounced_at"),
    FactKind.COMPLAINED: _happened("complained_at"),
    FactKind.REJECTED: _happened("rejected_at"),
    FactKind.OPENED: _open,
    FactKind.CLICKED: _click,
    FactKind.UNSUBSCRIBED: _set_subscription(unsubscribed=True),
    FactKind.RESUBSCRIBED: _set_subscription(unsubscribed=False),
    FactKind.NOTED: _note,
}
