"""What a recipient's visits together say of machines: whatever the order, and however close the call."""

from itertools import islice, permutations
from typing import Any

import pytest

from app.recipients.machine import AT_DELIVERY, EVERY_LINK, PROVIDER, Trace, judge_history
from tests.recipients.campaign import event_key, second


def click(at: float, link: int = 1, **more: Any) -> Trace:
    return Trace(
        event_key(int(at * 10) + link * 100_000),
        "click",
        second(0) + (second(1) - second(0)) * at,
        link=link,
        **more,
    )


def opened(at: int, **more: Any) -> Trace:
    return Trace(event_key(at), "open", second(at), **more)


def seen(kind: str, at: int, **more: Any) -> Trace:
    return Trace(event_key(900_000 + at), kind, second(at), **({"machine": PROVIDER} | more))


def judge(events: list[Trace], *, delivered: int | None = None, links: int = 3) -> list[str | None]:
    """Return the verdicts of our own events in the order given; check that no other order gives others."""
    delivered_at = None if delivered is None else second(delivered)
    told = [judge_history(order, delivered_at, links) for order in islice(permutations(events), 24)]
    assert all(verdicts == told[0] for verdicts in told)
    return [told[0][each.key, each.at] for each in events if (each.key, each.at) in told[0]]


@pytest.mark.parametrize(
    ("events", "verdicts"),
    [
        ([], []),
        ([click(0, 1)], [None]),
        ([click(0, 1), click(1, 2)], [None, None]),
        ([click(0, 1), click(1, 2), click(2, 3)], [EVERY_LINK] * 3),
        ([click(0, 1), click(1, 2), click(3, 3)], [EVERY_LINK] * 3),
        ([click(0, 1), click(1, 2), click(3.2, 3)], [None] * 3),
        # Not all of them, however often; but all of them, however often.
        ([click(0, 1), click(0.5, 2), click(1, 1), click(2, 2)], [None] * 4),
        ([click(0, 1), click(0.5, 1), click(1, 2), click(2, 3)], [EVERY_LINK] * 4),
        # A person's own click later is a person's; an open is no click.
        ([click(0, 1), click(1, 2), click(2, 3), click(60, 1)], [*[EVERY_LINK] * 3, None]),
        ([click(0, 1), click(1, 2), click(2, 3), opened(1)], [*[EVERY_LINK] * 3, None]),
        # A scanner that asks for the heads of some: all of it is one visit, each with its own reason.
        ([click(0, 1, machine="head"), click(1, 2), click(2, 3)], ["head", EVERY_LINK, EVERY_LINK]),
        # What was concluded before is judged anew, what the request said is not.
        ([click(0, 1, machine=EVERY_LINK), click(1, 2, machine="network")], [None, "network"]),
        # A link that the mail does not have adds nothing.
        ([click(0, 1), click(1, 2), click(2, 4)], [None] * 3),
    ],
)
def test_every_link_within_seconds(events: list[Trace], verdicts: list[str | None]) -> None:
    assert judge(events) == verdicts


def test_a_mail_with_many_links_is_given_longer_and_one_with_one_is_never_judged_so() -> None:
    slow = [click(n * 0.9, n + 1) for n in range(12)]
    assert set(judge(slow[:6], links=6)) == {EVERY_LINK}
    assert set(judge(slow, links=12)) == {EVERY_LINK}
    assert set(judge([click(n * 1.1, n + 1) for n in range(12)], links=12)) == {None}
    assert judge([click(0, 1), click(1, 1)], links=1) == [None, None]
    assert judge([click(0, 1), click(1, 2)], links=0) == [None, None]


@pytest.mark.parametrize(
    ("at", "verdict"),
    [(-601, None), (-600, AT_DELIVERY), (0, AT_DELIVERY), (3, AT_DELIVERY), (4, None), (3600, None)],
)
def test_a_click_within_seconds_of_the_delivery(at: int, verdict: str | None) -> None:
    assert judge([click(1000 + at)], delivered=1000) == [verdict]
    assert judge([click(1000 + at)]) == [None]
    assert judge([opened(1000 + at)], delivered=1000) == [None]


@pytest.mark.parametrize(
    ("sign", "verdicts"),
    [
        (seen("ses_click", 12), [None, PROVIDER]),
        (seen("ses_click", 15, link=2), [None, PROVIDER]),
        (seen("ses_click", 12, link=3), [None, None]),
        (seen("ses_click", 16), [None, None]),
        (seen("ses_click", 12, machine=None), [None, None]),  # its absence means nothing
        (seen("ses_open", 12), [PROVIDER, None]),
        (seen("ses_subscription", 12), [None, None]),
    ],
)
def test_the_providers_sign_is_about_the_visit_it_saw(sign: Trace, verdicts: list[str | None]) -> None:
    assert judge([opened(10), click(10, 2), sign]) == verdicts
