"""What each outcome of a call means for its recipients."""

import random
from collections.abc import Iterator

import pytest

from app.core.clock import now
from app.delivery.claiming import Claim
from app.delivery.settlement import MOST_RETRIES, QUOTA_DELAY, FollowUp, Settlement, put_back, settle
from app.mail.types import Outcome, OutcomeKind
from app.recipients.facts import FactKind
from tests.delivery.campaigns import make_claim


def settle_as(claim: Claim, *kinds: OutcomeKind, detail: str = "") -> Settlement:
    outcomes = [
        Outcome(kind, message_id="m" if kind is OutcomeKind.SENT else None, detail=detail) for kind in kinds
    ]
    return settle(claim, outcomes, at=now(), chance=random.Random(7))


def facts_of(settlement: Settlement) -> list[tuple[int, FactKind]]:
    return [(fact.recipient.number, fact.kind) for fact in settlement.facts]


@pytest.mark.parametrize(
    ("kind", "fact"),
    [
        (OutcomeKind.SENT, FactKind.ACCEPTED),
        (OutcomeKind.FAILED, FactKind.REFUSED),
        (OutcomeKind.UNKNOWN, FactKind.UNKNOWN),
    ],
)
def test_what_is_over_is_a_fact_and_never_sent_again(kind: OutcomeKind, fact: FactKind) -> None:
    settlement = settle_as(make_claim(4), kind)
    assert facts_of(settlement) == [(4, fact)]
    assert settlement.follow_ups == ()
    assert settlement.unknown == ((4,) if kind is OutcomeKind.UNKNOWN else ())


@pytest.mark.parametrize("kind", [OutcomeKind.RETRY, OutcomeKind.QUOTA, OutcomeKind.HALT, OutcomeKind.SPLIT])
def test_what_was_certainly_not_sent_comes_again_and_says_nothing_of_the_recipient(kind: OutcomeKind) -> None:
    settlement = settle_as(make_claim(4, 5), kind, kind)
    assert settlement.facts == ()
    assert sorted(n for each in settlement.follow_ups for n in each.recipients) == [4, 5]


def test_throttling_burns_a_try_slows_down_and_waits_with_full_jitter() -> None:
    delays = []
    for seed in range(200):
        outcome = Outcome(OutcomeKind.RETRY)
        settlement = settle(make_claim(1, tries=3), [outcome], at=now(), chance=random.Random(seed))
        assert (settlement.throttled, settlement.follow_ups[0].tries) == (True, 4)
        delays.append(settlement.follow_ups[0].delay)
    assert min(delays) < 1
    assert 7 < max(delays) <= 8


def test_it_is_retried_8_times_then_failed_with_ses_own_words() -> None:
    claim, calls = make_claim(1), 0
    while True:
        settlement = settle_as(claim, OutcomeKind.RETRY, detail="Rate exceeded")
        calls += 1
        if not settlement.follow_ups:
            break
        claim = make_claim(1, tries=settlement.follow_ups[0].tries)
    assert calls == MOST_RETRIES + 1
    assert facts_of(settlement) == [(1, FactKind.REFUSED)]
    assert settlement.facts[0].diagnostic == "Rate exceeded"


def test_a_used_up_quota_waits_and_burns_no_try() -> None:
    settlement = settle_as(make_claim(1, 2, tries=2), OutcomeKind.QUOTA, OutcomeKind.QUOTA)
    assert settlement.follow_ups == (FollowUp((1, 2), 1, 2, QUOTA_DELAY),)
    assert "daily quota" in (settlement.wait or "")
    assert settlement.halt is None


def test_a_halt_pauses_with_the_reason_and_burns_no_try() -> None:
    settlement = settle_as(make_claim(1, tries=MOST_RETRIES), OutcomeKind.HALT, detail="Account is suspended")
    assert settlement.halt == "SES: Account is suspended"
    assert settlement.follow_ups == (FollowUp((1,), 1, MOST_RETRIES, 0),)


def test_a_mixture_is_taken_apart() -> None:
    kinds = [
        OutcomeKind.SENT,
        OutcomeKind.FAILED,
        OutcomeKind.UNKNOWN,
        OutcomeKind.RETRY,
        OutcomeKind.QUOTA,
        OutcomeKind.HALT,
    ]
    settlement = settle_as(make_claim(1, 2, 3, 4, 5, 6), *kinds)
    assert sorted(facts_of(settlement)) == [
        (1, FactKind.ACCEPTED),
        (2, FactKind.REFUSED),
        (3, FactKind.UNKNOWN),
    ]
    assert sorted(each.recipients for each in settlement.follow_ups) == [(4,), (5,), (6,)]
    assert settlement.unknown == (3,)


def bisect(claim: Claim, bad: int) -> Iterator[tuple[int, ...]]:
    """Play SES refusing every call that has the bad recipient in it; yield what is sent and what failed."""
    numbers = [addressee.number for addressee in claim.addressees]
    if bad not in numbers:
        yield tuple(numbers)
    elif len(numbers) == 1:
        assert facts_of(settle_as(claim, OutcomeKind.FAILED)) == [(bad, FactKind.REFUSED)]
    else:
        for each in settle_as(claim, *[OutcomeKind.SPLIT] * len(numbers)).follow_ups:
            assert (each.delay, each.tries) == (0, 0)
            yield from bisect(make_claim(*each.recipients), bad)


@pytest.mark.parametrize("bad", [1, 2, 25, 49, 50])
def test_bisection_leaves_the_bad_one_alone(bad: int) -> None:
    sent = [number for part in bisect(make_claim(*range(1, 51)), bad) for number in part]
    assert sorted(sent) == [number for number in range(1, 51) if number != bad]


def test_a_batch_that_was_never_called_comes_back_whole_and_at_once() -> None:
    settlement = put_back(make_claim(1, 2, attempt=2, tries=3))
    assert settlement == Settlement(settlement.claim, (), (FollowUp((1, 2), 2, 3, 0),))


def test_words_that_postgresql_cannot_hold_are_made_fit() -> None:
    settlement = settle_as(make_claim(1), OutcomeKind.FAILED, detail="bad\x00 \ud800!")
    assert settlement.facts[0].diagnostic == "bad ?!"
