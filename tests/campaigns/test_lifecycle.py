"""The state machine, whole: every state under every move."""

import pytest

from app.campaigns.lifecycle import Move, Status, move
from app.core.errors import Conflict

S, M = Status, Move
ALLOWED = {
    (S.SCHEDULED, M.PREPARE): S.PREPARING,
    (S.SCHEDULED, M.SEND_NOW): S.PREPARING,
    (S.SCHEDULED, M.PAUSE): S.PAUSED,
    (S.SCHEDULED, M.CANCEL): S.CANCELLED,
    (S.PREPARING, M.START): S.SENDING,
    (S.PREPARING, M.CANCEL): S.CANCELLED,
    (S.PREPARING, M.FAIL): S.FAILED,
    (S.SENDING, M.PAUSE): S.PAUSED,
    (S.SENDING, M.CANCEL): S.CANCELLED,
    (S.SENDING, M.COMPLETE): S.SENT,
    (S.PAUSED, M.RESUME): S.SENDING,
    (S.PAUSED, M.CANCEL): S.CANCELLED,
    (S.PAUSED, M.RETRY): S.SENDING,
    (S.SENT, M.RETRY): S.SENDING,
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("how", Move)
def test_every_state_under_every_move(status: Status, how: Move) -> None:
    if (status, how) in ALLOWED:
        assert move(status, how) is ALLOWED[status, how]
        return
    with pytest.raises(Conflict) as refusal:
        move(status, how)
    assert f"A campaign that is {status} cannot be " in refusal.value.detail
    assert refusal.value.members == {"campaign_status": status}


def test_what_was_paused_before_it_was_frozen_is_prepared_first() -> None:
    assert move(Status.PAUSED, Move.RESUME, frozen=False) is Status.PREPARING
    assert move(Status.SENDING, Move.PAUSE, frozen=False) is Status.PAUSED


def test_what_was_paused_before_its_time_waits_for_it_again() -> None:
    assert move(Status.PAUSED, Move.RESUME, frozen=False, early=True) is Status.SCHEDULED
    assert move(Status.PAUSED, Move.RESUME, frozen=True, early=True) is Status.SENDING


def test_the_end_is_the_end_but_for_those_who_failed() -> None:
    for status in (Status.SENT, Status.CANCELLED, Status.FAILED):
        for how in Move:
            if (status, how) == (Status.SENT, Move.RETRY):
                continue
            with pytest.raises(Conflict):
                move(status, how)
