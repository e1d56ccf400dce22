"""A figure of one run: what was measured, against what in the same run, and what it has to reach (pure)."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

FULL = 0.85
"""The share of its time from which on a process, or the machine, counts as the limit."""
MICROSECONDS = {"ms": 1e3, "s": 1e6}
"""What the units of durations are worth."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Processor time that one kind of process took, in microseconds an item.

    `processes` is how many of one thread each there are, 0 where it starts as many as it likes. A stand-in
    (the simulator, the load generator, whatever else ran on the machine) is no part of the product.
    """

    name: str
    micros: float
    processes: int = 1
    is_stand_in: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """What came out: `value` in `unit`, measured with `size` recipients, events or users.

    `baseline` is in the same unit and of the same run. `goal` is for the value, `ratio_goal` for the value to
    the baseline; both are least values, or most values where `lower_is_better`. A goal that is for a certain
    size names it in `goal_size`. `covers_all` tells whether the value is what all the items took, so that it
    can be divided by them. `processes` is how many workers, or processes of the API, did the work.
    """

    name: str
    value: float
    unit: str
    size: int
    goal: float | None = None
    baseline: float | None = None
    baseline_name: str = ""
    ratio_goal: float | None = None
    lower_is_better: bool = False
    goal_size: int = 0
    covers_all: bool = True
    spent: tuple[Spent, ...] = ()
    processes: int = 1
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """The value to its baseline."""
        return self.value / self.baseline if self.baseline else None

    @property
    def item_micros(self) -> float | None:
        """Microseconds an item, as the clock on the wall has it; None for what is not shared by the items."""
        if self.unit.endswith("/s"):
            return 1e6 / self.value
        if self.unit in MICROSECONDS and self.covers_all:
            return self.value * MICROSECONDS[self.unit] / self.size
        return None

    @property
    def is_full_size(self) -> bool:
        """Whether it was measured with as many as its goals are for."""
        return self.size >= self.goal_size

    @property
    def is_met(self) -> bool | None:
        """Whether every goal is reached; None where there is none."""
        wanted = [(self.value, self.goal), (self.ratio, self.ratio_goal)]
        judged = [
            self._reaches(value, goal) for value, goal in wanted if value is not None and goal is not None
        ]
        return all(judged) if judged else None

    def _reaches(self, value: float, goal: float) -> bool:
        return value <= goal if self.lower_is_better else value >= goal


def find_slowest(name: str, figures: Sequence[Figure]) -> Figure:
    """Return the highest of several with the same goal under one name; its note says which it is of them."""
    worst = max(figures, key=lambda each: each.value)
    within = sum(each.is_met is True for each in figures)
    return replace(worst, name=name, note=f"{worst.name.strip()}; {within} of {len(figures)} within")


@dataclass(frozen=True, slots=True)
class Failure:
    """A benchmark that came to no figure, and why."""

    name: str
    reason: str


def limit_rate(spent: tuple[Spent, ...], cores: int) -> float:
    """Return the most items a second that the product's own processor time allows on so many cores.

    It is what the same path could do at best were the stand-ins free: neither may the whole exceed the cores,
    nor one kind of process the threads it has.
    """
    own = [each for each in spent if not each.is_stand_in and each.micros > 0]
    bounds = [cores * 1e6 / add_own(spent)] if own else []
    bounds += [min(cores, each.processes) * 1e6 / each.micros for each in own if each.processes]
    return min(bounds, default=0.0)


def sort_spent(spent: tuple[Spent, ...]) -> list[Spent]:
    """Return what takes most processor time first."""
    return sorted(spent, key=lambda each: -each.micros)


def add_own(spent: tuple[Spent, ...]) -> float:
    """Return the microseconds of processor time an item that the product itself takes."""
    return sum(each.micros for each in spent if not each.is_stand_in)


def find_busy(figure: Figure, cores: int) -> float:
    """Return the share of the machine's processor time that was taken while it was measured."""
    taken = sum(each.micros for each in figure.spent)
    # The load generator's start is among what others took, but not in the time of an item.
    return min(1.0, taken / (figure.item_micros * cores)) if figure.item_micros else 0.0


def name_limit(figure: Figure, cores: int) -> str:
    """Return what keeps a path from being faster: a full process, the full machine, or waiting."""
    first, *_ = most_first = sort_spent(figure.spent)
    wall = figure.item_micros or 0.0
    for each in most_first:
        if each.processes and each.micros >= FULL * wall * min(cores, each.processes):
            return f"{each.name} is full"
    if find_busy(figure, cores) >= FULL:
        return f"the processor, {first.name} most"
    return "waiting: disk, locks, round trips"


def describe(outcome: Figure | Failure) -> dict[str, Any]:
    """Return all that is known of it, as JSON takes it."""
    if isinstance(outcome, Failure):
        return asdict(outcome)
    known = {"ratio": outcome.ratio, "is_met": outcome.is_met, "is_full_size": outcome.is_full_size}
    return asdict(outcome) | known
