"""What will become of one email: a pure function of its address, the shares and the seed."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from app.simulator.settings import Behaviour


class Act(StrEnum):
    """One thing that happens to an email after SES accepted it."""

    SEND = "send"
    DELAY = "delay"
    DELIVER = "deliver"
    BOUNCE = "bounce"
    SUPPRESS = "suppress"
    SOFT_BOUNCE = "soft_bounce"
    COMPLAIN = "complain"
    REJECT = "reject"
    FAIL_RENDERING = "fail_rendering"
    REPLY_OUT_OF_OFFICE = "reply_out_of_office"
    PREFETCH = "prefetch"
    SCAN = "scan"
    OPEN = "open"
    CLICK = "click"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Step:
    """An act and when, in seconds after acceptance."""

    after: float
    act: Act


# https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator-how-to-use
_FORCED = {
    "success": Act.DELIVER,
    "bounce": Act.BOUNCE,
    "suppressionlist": Act.SUPPRESS,
    "softbounce": Act.SOFT_BOUNCE,
    "complaint": Act.COMPLAIN,
    "ooto": Act.REPLY_OUT_OF_OFFICE,
    "reject": Act.REJECT,
}
_IMAGES_BLOCKED = 0.1
"""Of those who click, the share whose mail client loads no images."""


def draw(seed: int, address: str, aspect: str) -> float:
    """Return a number in [0, 1) that depends on nothing else: one aspect says nothing of another."""
    digest = blake2b(f"{seed}:{aspect}:{address.lower()}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)


def foretell(address: str, behaviour: Behaviour) -> tuple[Step, ...]:
    """Return what will happen to an email to this address, in order of time."""

    def chance(aspect: str) -> float:
        return draw(behaviour.seed, address, aspect)

    forced = next((act for prefix, act in _FORCED.items() if address.lower().startswith(prefix)), None)
    outcome = forced or _draw_outcome(chance("outcome"), behaviour)
    if outcome is Act.REJECT:
        return (Step(0.0, Act.REJECT),)
    arrival = _exponential(behaviour.latency_seconds, chance("latency"))
    steps = [Step(0.0, Act.SEND)]
    if chance("delay") < behaviour.delayed:
        steps.append(Step(arrival, Act.DELAY))
        arrival *= 2
    if outcome in {Act.BOUNCE, Act.SUPPRESS, Act.SOFT_BOUNCE}:
        return (*steps, Step(arrival, outcome))
    steps.append(Step(arrival, Act.DELIVER))
    if outcome in {Act.COMPLAIN, Act.REPLY_OUT_OF_OFFICE}:
        steps.append(Step(arrival + behaviour.latency_seconds, outcome))
    steps += _foretell_reactions(address, behaviour, arrival)
    return tuple(sorted(steps, key=lambda step: step.after))


def _draw_outcome(value: float, behaviour: Behaviour) -> Act:
    for act, share in (
        (Act.REJECT, behaviour.rejected),
        (Act.BOUNCE, behaviour.bounced),
        (Act.SOFT_BOUNCE, behaviour.soft_bounced),
    ):
        if value < share:
            return act
        value -= share
    return Act.DELIVER


def _foretell_reactions(address: str, behaviour: Behaviour, arrival: float) -> Iterator[Step]:
    """What machines and the person do with a delivered email.

    Opening and clicking draw the same number, so that who clicks is among who opens.
    """

    def chance(aspect: str) -> float:
        return draw(behaviour.seed, address, aspect)

    if chance("prefetch") < behaviour.prefetched:
        yield Step(arrival, Act.PREFETCH)
    if chance("scan") < behaviour.scanned:
        yield Step(arrival, Act.SCAN)
    if chance("complaint") < behaviour.complained:
        yield Step(arrival + behaviour.latency_seconds, Act.COMPLAIN)
    if chance("out of office") < behaviour.out_of_office:
        yield Step(arrival + behaviour.latency_seconds, Act.REPLY_OUT_OF_OFFICE)
    interest = chance("interest")
    clicks = interest < behaviour.clicked
    reading = arrival + behaviour.reading_floor_seconds
    reading += _exponential(behaviour.reading_seconds, chance("reading"))
    if interest < behaviour.opened and not (clicks and chance("images") < _IMAGES_BLOCKED):
        for again in range(1 + int(3 * chance("opens") ** 2)):
            yield Step(reading + again * behaviour.reading_seconds / 2, Act.OPEN)
    if clicks:
        yield Step(reading, Act.CLICK)
    if chance("unsubscribe") < behaviour.unsubscribed:
        yield Step(reading, Act.UNSUBSCRIBE)


def _exponential(mean: float, chance: float) -> float:
    return -mean * math.log(1.0 - chance)
