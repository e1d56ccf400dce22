"""What the outcomes of one call mean for its batch and its recipients (pure)."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.delivery.claiming import Claim
from app.delivery.doubt import describe_doubt
from app.mail.types import Outcome, OutcomeKind
from app.recipients.facts import Fact, FactKind, RecipientKey

MOST_RETRIES = 8
LONGEST_DELAY = 120.0
QUOTA_DELAY = 300.0
"""How long to wait before the daily quota is tried again: the window slides, and frees bit by bit."""

_WHOLE_CALLS = frozenset({"BadRequestException", "MessageRejected", "request_too_large"})
"""Refusals of a call, not of one of its entries, that may be the message's fault as well as a recipient's."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A new batch for recipients certainly not sent; `delay` in seconds, the lowest `priority` goes first."""

    recipients: tuple[int, ...]
    attempt: int
    tries: int
    delay: float
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """What to write once a call is over.

    `unknown` are the recipients that only evidence can settle, `doubt` says why. `halt` says why the campaign
    has to pause, `wait` why it goes on only later. `throttled` asks every worker to slow down. `refusal` are
    SES's words where it refused the whole call for a single recipient: it may mean them, or the message.
    """

    claim: Claim
    facts: tuple[Fact, ...]
    follow_ups: tuple[FollowUp, ...] = ()
    unknown: tuple[int, ...] = ()
    doubt: str | None = None
    halt: str | None = None
    wait: str | None = None
    throttled: bool = False
    refusal: str | None = None


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
    unknown = by_kind[OutcomeKind.UNKNOWN]
    return Settlement(
        claim=claim,
        facts=tuple(facts),
        follow_ups=tuple(follow_ups),
        unknown=tuple(number for number, _ in unknown),
        doubt=describe_doubt(unknown[0][1].code) if unknown else None,
        halt=f"SES: {_describe(halted[0][1])}" if halted else None,
        wait=describe_wait(at + timedelta(seconds=QUOTA_DELAY)) if quota else None,
        throttled=bool(by_kind[OutcomeKind.RETRY]),
        refusal=_find_lone_refusal(outcomes),
    )


def put_back(claim: Claim, *, halt: str | None = None) -> Settlement:
    """Return every recipient of a batch about which nothing was said to SES."""
    numbers = tuple(addressee.number for addressee in claim.addressees)
    again = FollowUp(numbers, claim.attempt, claim.tries, 0, claim.priority)
    return Settlement(claim, (), (again,), halt=halt)


def describe_wait(until: datetime) -> str:
    """Say that the account's daily quota is used up, and until when nothing is sent."""
    return f"The account's daily quota is used up; sending is tried again at {until:%H:%M} UTC."


def _describe(outcome: Outcome) -> str:
    return _storable(outcome.detail or outcome.code)


def _find_lone_refusal(outcomes: Sequence[Outcome]) -> str | None:
    if len(outcomes) == 1 and outcomes[0].kind is OutcomeKind.FAILED and outcomes[0].code in _WHOLE_CALLS:
        return _describe(outcomes[0])
    return None


def _storable(words: str) -> str:
    """Make the provider's words text that PostgreSQL can hold: no NUL, no half of a surrogate pair."""
    return words.encode("utf-8", "replace").decode().replace("\x00", "") if words else words


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
        yield FollowUp(numbers, claim.attempt, tries, delay, claim.priority)


def _halves(claim: Claim, entries: Sequence[tuple[int, Outcome]]) -> Iterable[FollowUp]:
    """Bisect: the entry to blame ends up alone, and all others get through."""
    numbers = tuple(number for number, _ in entries)
    half = max(1, len(numbers) // 2)
    for part in (numbers[:half], numbers[half:]):
        if part:
            yield FollowUp(part, claim.attempt, claim.tries, 0, claim.priority - 1)
