"""What all events of one recipient together say of machines (pure).

A request tells by itself only so much (`tracking.machine`): who it says it is, from where it comes. Seen
together, more: whoever follows every link at once, or a link before anybody could have read the mail, is a
program. The verdicts depend on the set of events alone, not on the order in which they are heard.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from app.recipients.facts import Fact, FactKind

EVERY_LINK: Final = "every_link"
AT_DELIVERY: Final = "at_delivery"
PROVIDER: Final = "provider"
CONCLUSIONS: Final = frozenset({EVERY_LINK, AT_DELIVERY, PROVIDER})
"""Reasons that come from the whole set of events; each other one is the request's own."""

PROVIDER_OPEN, PROVIDER_CLICK = "ses_open", "ses_click"
TELLING_KINDS: Final = (FactKind.OPENED.value, FactKind.CLICKED.value, PROVIDER_OPEN, PROVIDER_CLICK)
"""Kinds of event that the verdicts are made of."""

LEAST_LINKS: Final = 2
"""Of a mail with one link nobody can follow but every link."""
SECONDS_A_LINK: Final = 1.0
SHORTEST_SPAN: Final = timedelta(seconds=3)
LONGEST_SPAN: Final = timedelta(seconds=10)
"""Every link within a second for each, at least 3 s and at most 10 s: nobody reads that fast."""
SOONEST: Final = timedelta(seconds=3)
"""A person needs longer than this from the mail's arrival to a click: it is noticed and opened first."""
LONGEST_HOLD: Final = timedelta(minutes=10)
"""Gateways follow links before they accept the mail. A click that came earlier still, by this much, followed
another copy of the mail, one whose delivery was never heard of."""
PROVIDER_SPAN: Final = timedelta(seconds=5)
"""How far apart the provider's own sighting of a visit may be from ours: its link redirects to ours."""
_PROVIDERS: Final = {FactKind.OPENED: PROVIDER_OPEN, FactKind.CLICKED: PROVIDER_CLICK}


@dataclass(frozen=True, slots=True)
class Trace:
    """An open or a click, ours or the provider's, as the history holds it."""

    key: bytes
    kind: str
    at: datetime
    machine: str | None = None
    link: int | None = None
    agent: str | None = None


Verdicts = dict[tuple[bytes, datetime], str | None]
"""By key and instant of each of our own opens and clicks: why it is a machine's, or None."""


def judge_history(events: Collection[Trace], delivered_at: datetime | None, links: int) -> Verdicts:
    """Judge every open and click of one recipient by all of them.

    `links` is how many tracked links the mail has. What the request said of itself holds; then: every link
    within seconds, a click within seconds of the delivery, a visit that the provider calls a bot's.
    """
    clicks = sorted((each for each in events if each.kind == FactKind.CLICKED), key=lambda each: each.at)
    bursts = list(_find_bursts(clicks, links))
    seen = [each for each in events if each.machine and each.kind in _PROVIDERS.values()]

    def conclude(event: Trace) -> str | None:
        sign = read_sign(event)
        if sign:
            return sign
        if event.kind == FactKind.CLICKED:
            if any(first <= event.at <= last for first, last in bursts):
                return EVERY_LINK
            if is_at_delivery(event.at, delivered_at):
                return AT_DELIVERY
        return PROVIDER if any(_is_same_visit(event, other) for other in seen) else None

    own = (each for each in events if each.kind in _PROVIDERS)
    return {(each.key, each.at): conclude(each) for each in own}


def is_at_delivery(at: datetime, delivered_at: datetime | None) -> bool:
    """Tell whether a click came with the mail itself, when nobody could have read it."""
    return delivered_at is not None and -LONGEST_HOLD <= at - delivered_at <= SOONEST


def read_sign(event: Trace | Fact) -> str | None:
    """Return why the request alone was a machine's, as far as the history still tells."""
    return None if event.machine in CONCLUSIONS else event.machine


def _find_bursts(clicks: Sequence[Trace], links: int) -> Iterator[tuple[datetime, datetime]]:
    """Yield the spans, each as long as is allowed, within which every link was followed."""
    if links < LEAST_LINKS or len(clicks) < links:
        return
    span = min(LONGEST_SPAN, max(SHORTEST_SPAN, timedelta(seconds=links * SECONDS_A_LINK)))
    inside: Counter[int] = Counter()
    end = 0
    for first in clicks:
        while end < len(clicks) and clicks[end].at - first.at <= span:
            inside[clicks[end].link or 0] += 1
            end += 1
        if sum(count > 0 for link, count in inside.items() if 1 <= link <= links) == links:
            yield first.at, clicks[end - 1].at
        inside[first.link or 0] -= 1


def _is_same_visit(event: Trace, seen: Trace) -> bool:
    if seen.kind != _PROVIDERS[FactKind(event.kind)] or abs(event.at - seen.at) > PROVIDER_SPAN:
        return False
    return seen.link is None or seen.link == event.link
