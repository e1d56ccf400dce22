"""What is foretold depends on the address and the seed alone, and keeps to the shares."""

from collections import Counter

import pytest

from app.simulator.fate import Act, foretell
from app.simulator.settings import Behaviour

PEOPLE = [f"person{number}@example.com" for number in range(2000)]


def _count(behaviour: Behaviour) -> Counter[Act]:
    return Counter(act for address in PEOPLE for act in {step.act for step in foretell(address, behaviour)})


def test_the_same_seed_foretells_the_same() -> None:
    behaviour = Behaviour(bounced=0.3)
    first = [foretell(address, behaviour) for address in PEOPLE]
    assert first == [foretell(address.upper(), behaviour) for address in PEOPLE]
    assert first != [foretell(address, Behaviour(bounced=0.3, seed=2)) for address in PEOPLE]


@pytest.mark.parametrize(
    ("behaviour", "act", "share"),
    [
        (Behaviour(bounced=0.2), Act.BOUNCE, 0.2),
        (Behaviour(bounced=0, soft_bounced=0.2), Act.SOFT_BOUNCE, 0.2),
        (Behaviour(bounced=0, soft_bounced=0, opened=0.5, clicked=0), Act.OPEN, 0.5),
        (Behaviour(bounced=0, soft_bounced=0, clicked=0.25), Act.CLICK, 0.25),
        (Behaviour(bounced=0, soft_bounced=0, scanned=0.4), Act.SCAN, 0.4),
    ],
)
def test_shares_are_kept(behaviour: Behaviour, act: Act, share: float) -> None:
    assert abs(_count(behaviour)[act] / len(PEOPLE) - share) < 0.04


def test_steps_come_in_order_of_time_and_people_wait() -> None:
    for address in PEOPLE:
        steps = foretell(address, Behaviour(reading_floor_seconds=4))
        assert [step.after for step in steps] == sorted(step.after for step in steps)
        delivered = [step.after for step in steps if step.act is Act.DELIVER]
        people = [step.after for step in steps if step.act in {Act.OPEN, Act.CLICK, Act.UNSUBSCRIBE}]
        assert all(after >= delivered[0] + 4 for after in people)


def test_nobody_reads_what_did_not_arrive() -> None:
    eager = Behaviour(opened=1, clicked=1, delayed=0)
    assert [step.act for step in foretell("bounce@example.com", eager)] == [Act.SEND, Act.BOUNCE]
    assert [step.act for step in foretell("reject@example.com", eager)] == [Act.REJECT]
