"""The life of a campaign: its states and who may move it between them (pure).

scheduled -> preparing -> sending <-> paused -> sent -> sending, when those who failed are retried
cancelled from any state before sent; failed when it could not be prepared
"""

from enum import StrEnum

from app.core.errors import Conflict


class Status(StrEnum):
    """Where a campaign stands."""

    SCHEDULED = "scheduled"
    PREPARING = "preparing"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Move(StrEnum):
    """What can be done to a campaign: by a person, or by the product itself."""

    PREPARE = "prepare"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    SEND_NOW = "send-now"
    RETRY = "retry-failed"
    CANCEL = "cancel"
    COMPLETE = "complete"
    FAIL = "fail"


MOVES: dict[Move, dict[Status, Status]] = {
    Move.PREPARE: {Status.SCHEDULED: Status.PREPARING},
    Move.START: {Status.PREPARING: Status.SENDING},
    Move.PAUSE: {
        Status.SENDING: Status.PAUSED,
        # A schedule missed by hours waits for a person instead of going out late.
        Status.SCHEDULED: Status.PAUSED,
    },
    Move.RESUME: {Status.PAUSED: Status.SENDING},
    Move.SEND_NOW: {Status.SCHEDULED: Status.PREPARING},
    Move.RETRY: {
        Status.SENT: Status.SENDING,
        # What paused it is often what made them fail: both are mended with one move.
        Status.PAUSED: Status.SENDING,
    },
    Move.CANCEL: {
        Status.SCHEDULED: Status.CANCELLED,
        Status.PREPARING: Status.CANCELLED,
        Status.SENDING: Status.CANCELLED,
        Status.PAUSED: Status.CANCELLED,
    },
    Move.COMPLETE: {Status.SENDING: Status.SENT},
    Move.FAIL: {Status.PREPARING: Status.FAILED},
}


def move(status: Status, how: Move, *, frozen: bool = True, early: bool = False) -> Status:
    """Return the state that follows; Conflict says which state stands in the way.

    A campaign that was paused before its recipients were `frozen` resumes to be prepared, or, while it is
    still `early` for its schedule, to wait for its time.
    """
    after = MOVES[how].get(status)
    if after is None:
        raise Conflict(f"A campaign that is {status} cannot be {_PARTICIPLES[how]}.", campaign_status=status)
    if how is Move.RESUME and not frozen:
        return Status.SCHEDULED if early else Status.PREPARING
    return after


_PARTICIPLES = {
    Move.PREPARE: "prepared",
    Move.START: "started",
    Move.PAUSE: "paused",
    Move.RESUME: "resumed",
    Move.SEND_NOW: "sent now",
    Move.RETRY: "retried",
    Move.CANCEL: "cancelled",
    Move.COMPLETE: "completed",
    Move.FAIL: "failed",
}
