"""The checker finds every broken promise: a history that keeps them all, then each way to break one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.checker import find_violations
from tests.faults.history import History, Step

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1)
COUNTERS = {"sent": 1, "failed_before": 1}
STEPS = [
    Step(1, NOON, "batch", 7, None, "due", 0),
    Step(2, NOON, "batch", 7, "due", "calling", 1, [1, 2]),
    Step(3, LATER, "recipient", 1, "queued", "accepted"),
    Step(4, LATER, "recipient", 2, "queued", "failed"),
    Step(5, LATER, "batch", 7, "calling", "done", 1),
]
GOOD = History("sent", STEPS, {1: "delivered", 2: "failed"}, {1: LATER, 2: None}, [], COUNTERS, COUNTERS)


def with_step(*step: object) -> Callable[[History], History]:
    return lambda history: replace(history, steps=[*history.steps, Step(*step)])  # type: ignore[arg-type]


def test_a_history_that_keeps_every_promise() -> None:
    assert find_violations(GOOD, {1: 1}) == []
    # Where no event can come, the unknown are right to stay so.
    undecided = replace(GOOD, statuses={1: "delivered", 2: "unknown"})
    assert find_violations(undecided, {1: 1, 2: 1}, settled=False) == []


@pytest.mark.parametrize(
    ("spoil", "acceptances", "words"),
    [
        (lambda good: good, {1: 2}, "recipient 1 was mailed 2 times"),
        (lambda good: good, {1: 1, 9: 1}, "recipient 9 was mailed and is not of the campaign"),
        (lambda good: replace(good, steps=good.steps[2:]), {1: 1}, "recipient 1 was mailed without a claim"),
        (lambda good: good, {}, "recipient 1 is delivered and was never mailed"),
        (lambda good: good, {1: 1, 2: 1}, "recipient 2 was mailed and is failed"),
        (lambda good: replace(good, statuses={1: "delivered", 2: "unknown"}), {1: 1}, "2 is still unknown"),
        (lambda good: replace(good, statuses={1: "delivered", 2: "queued"}), {1: 1}, "2 is still queued"),
        (lambda good: replace(good, campaign_status="sending"), {1: 1}, "the campaign ended as sending"),
        (lambda good: replace(good, counters={"sent": 2}), {1: 1}, "sent is 2, a recount gives 1"),
        (lambda good: replace(good, barred=[(2, 1)]), {1: 1}, "1 was mailed after the suppression"),
        (with_step(6, LATER, "batch", 7, "calling", "calling", 1, [1]), {1: 1}, "2 times under fence 1"),
        (with_step(6, LATER, "batch", 7, "unknown", "due", 2), {1: 1}, "batch 7 went from unknown to due"),
        (with_step(6, LATER, "recipient", 1, "accepted", "queued"), {1: 1}, "1 went from accepted to queued"),
    ],
)
def test_each_broken_promise_is_found(
    spoil: Callable[[History], History], acceptances: dict[int, int], words: str
) -> None:
    (found,) = find_violations(spoil(GOOD), acceptances)
    assert words in found
