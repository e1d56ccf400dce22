"""The promises, held against a history after the fact (pure)."""

from collections import Counter
from collections.abc import Iterator, Mapping

from tests.faults.history import History, Step

SETTLED_BEFORE_ACCEPTANCE = {"failed"}
OPEN = {"queued", "sending", "unknown"}
TAKEN_BACK = {"queued", "unknown"}


def find_violations(history: History, acceptances: Mapping[int, int], *, settled: bool = True) -> list[str]:
    """Return every promise that was broken, in words; `acceptances` is SES's count for each recipient.

    With `settled`, everybody must be settled; where no event can come, some stay unknown, and that is right.
    """
    return [
        *_check_acceptances(history, acceptances),
        *_check_ends(history, acceptances, settled=settled),
        *_check_counters(history),
        *_check_claims(history),
        *_check_steps(history),
    ]


def _check_acceptances(history: History, acceptances: Mapping[int, int]) -> Iterator[str]:
    """Nobody twice, nobody who is not of the campaign, and nobody without a claim that was committed."""
    claimed = {number for step in _claims(history) for number in step.recipients or ()}
    for number, times in acceptances.items():
        if times > 1:
            yield f"recipient {number} was mailed {times} times"
        if number not in history.statuses:
            yield f"recipient {number} was mailed and is not of the campaign"
        elif number not in claimed:
            yield f"recipient {number} was mailed without a claim"


def _check_ends(history: History, acceptances: Mapping[int, int], *, settled: bool) -> Iterator[str]:
    """Nobody lost: whom SES took is known to be taken, and nobody is left open."""
    if history.campaign_status != "sent":
        yield f"the campaign ended as {history.campaign_status}"
    for number, status in history.statuses.items():
        taken = acceptances.get(number, 0) > 0
        known = history.accepted_at[number] is not None
        if known and not taken:
            yield f"recipient {number} is {status} and was never mailed"
        if taken and not known and (settled or status not in OPEN):
            yield f"recipient {number} was mailed and is {status}"
        if status in OPEN and (settled or status != "unknown"):
            yield f"recipient {number} is still {status}"


def _check_counters(history: History) -> Iterator[str]:
    for name in history.counters.keys() & history.recount.keys():
        if history.counters[name] != history.recount[name]:
            yield f"{name} is {history.counters[name]}, a recount gives {history.recount[name]}"


def _check_claims(history: History) -> Iterator[str]:
    """Each claim has a fence of its own, and nobody is mailed under one that could see a suppression."""
    fences = Counter((step.number, step.fence) for step in _claims(history))
    for (batch, fence), times in fences.items():
        if times > 1:
            yield f"batch {batch} was claimed {times} times under fence {fence}"
    claimed_at = {step.seq: step.at for step in _claims(history)}
    for seq, number in history.barred:
        accepted_at = history.accepted_at[number]
        if accepted_at is not None and accepted_at >= claimed_at[seq]:
            yield f"recipient {number} was mailed after the suppression of the address"


def _check_steps(history: History) -> Iterator[str]:
    """What is accepted is never queued again; what may have been called is never simply due again."""
    for step in history.steps:
        if step.what == "recipient" and step.after in TAKEN_BACK:
            if step.before not in {*OPEN, *SETTLED_BEFORE_ACCEPTANCE}:
                yield f"recipient {step.number} went from {step.before} to {step.after}"
        elif step.what == "batch" and step.after == "due" and step.before is not None:
            yield f"batch {step.number} went from {step.before} to due"


def _claims(history: History) -> Iterator[Step]:
    return (step for step in history.steps if step.what == "batch" and step.after == "calling")
