"""What the outcomes of one call mean for its batch and its recipients (pure)."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.delivery.claiming import Claim
from app.mail.types import Outcome, OutcomeKind
from app.recipients.facts import Fact, FactKind, RecipientKey

MOST_RETRIES = 8
LONGEST_DELAY = 120.0
QUOTA_DELAY = 300.0
"""How long to wait before the daily quota is tried again: the window slides, and frees bit by bit."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A new batch for recipients that were certainly not sent; `delay` in seconds."""

    recipients: tuple[int, ...]
    attempt: int
    tries: int
    delay: float


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to write once a call is over.

    `unknown` are the recipients that only evidence can settle. `halt` says why the campaign has to pause,
    `wait` why it goes on only later.
    `throttled` asks every worker to slow down.
    """

    claim: Claim
    facts: tuple[Fact, ...]
    follow_ups: tuple[FollowUp, ...] = ()
    unknown: tuple[int, ...] = ()
    halt: str | None = None
    wait: str | None = None
    throttled: bool = False


def settle(claim: Claim, outcomes: Sequence[Outcome], *, at: datetime, chance: random.Random) -> Settlement:
    """Turn one outcome for each addressee, in order, into facts and follow-up batches."""
    by_kind: dict[OutcomeKind, list[tuple[int, Outcome]]] = {kind: [] for kind in OutcomeKind}
    for addressee, outcome in zip(claim.addressees, outcomes, strict=True):
        by_kind[outcome.kind].append((addressee.number, outcome))
    retried, given_up = by_kind[OutcomeKind.RETRY], []
    if claim.tries >= MOST_RETRIES:
        retried, given_up = [], retried
    halted, quota = by_kind[OutcomeKind.HALT], by_kind[OutcomeKind.QUOTA]
    follow_ups = [
        *_again(claim, retried, tries=claim.tries + 1, delay=_jitter(claim.tries, chance)),
        *_again(claim, halted, tries=claim.tries, delay=0),
        *_again(claim, quota, tries=claim.tries, delay=QUOTA_DELAY),
        *_halves(claim, by_kind[OutcomeKind.SPLIT]),
    ]
    facts = [
        *(_fact(claim, each, FactKind.ACCEPTED, at) for each in by_kind[OutcomeKind.SENT]),
        *(_fact(claim, each, FactKind.REFUSED, at) for each in (*by_kind[OutcomeKind.FAILED], *given_up)),
        *(_fact(claim, each, FactKind.UNKNOWN, at) for each in by_kind[OutcomeKind.UNKNOWN]),
    ]
    return Settlement(
        claim=claim,
        facts=tuple(facts),
        follow_ups=tuple(follow_ups),
        unknown=tuple(number for number, _ in by_kind[OutcomeKind.UNKNOWN]),
        halt=f"SES: {_describe(halted[0][1])}" if halted else None,
        wait=_describe_wait(at) if quota else None,
        throttled=bool(by_kind[OutcomeKind.RETRY]),
    )


def put_back(claim: Claim, *, halt: str | None = None) -> Settlement:
    """Return every recipient of a batch about which nothing was said to SES."""
    numbers = tuple(addressee.number for addressee in claim.addressees)
    return Settlement(claim, (), (FollowUp(numbers, claim.attempt, claim.tries, 0),), halt=halt)


def _describe(outcome: Outcome) -> str:
    return _storable(outcome.detail or outcome.code)


def _describe_wait(at: datetime) -> str:
    next_try = at + timedelta(seconds=QUOTA_DELAY)
    return f"The account's daily quota is used up; sending is tried again at {next_try:%H:%M} UTC."


def _storable(words: str) -> str:
    """Make the provider's words text that PostgreSQL can hold: no NUL, no half of a surrogate pair."""
    return words.encode("utf-8", "replace").decode().replace("\x00", "")


def _jitter(tries: int, chance: random.Random) -> float:
    """Full jitter: anywhere up to a bound that doubles."""
    return chance.uniform(0, min(LONGEST_DELAY, 2.0**tries))


def _fact(claim: Claim, entry: tuple[int, Outcome], kind: FactKind, at: datetime) -> Fact:
    number, outcome = entry
    return Fact(
        recipient=RecipientKey(claim.school_id, claim.campaign_id, number),
        kind=kind,
        at=at,
        attempt=claim.attempt,
        message_id=outcome.message_id,
        code=_storable(outcome.code) or None,
        diagnostic=_storable(outcome.detail) or None,
    )


def _again(
    claim: Claim, entries: Iterable[tuple[int, Outcome]], *, tries: int, delay: float
) -> Iterable[FollowUp]:
    numbers = tuple(number for number, _ in entries)
    if numbers:
        yield FollowUp(numbers, claim.attempt, tries, delay)


def _halves(claim: Claim, entries: Sequence[tuple[int, Outcome]]) -> Iterable[FollowUp]:
    """Bisect: the entry to blame ends up alone, and all others get through."""
    numbers = tuple(number for number, _ in entries)
    half = max(1, len(numbers) // 2)
    for part in (numbers[:half], numbers[half:]):
        if part:
            yield FollowUp(part, claim.attempt, claim.tries, 0)
