"""The rows of the figures to reach: each a benchmark, and the sizes it is measured with."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks import audiences, clicks, delivery, feedback, imports, memory, reports
from benchmarks.figure import Failure, Figure
from benchmarks.progress import say

GROWTH = (1, 10, 100)
"""What the small size is multiplied with."""


@dataclass(frozen=True, slots=True)
class Row:
    """A benchmark: its full size is what the goals are for, its small one a quick look.

    `measure` takes the size, and `processes=` where the work spreads over several.
    """

    name: str
    measure: Callable[..., list[Figure]]
    small: int
    full: int
    has_processes: bool = False


ROWS = (
    Row("delivery", delivery.measure, 10_000, delivery.GOAL_SIZE, has_processes=True),
    Row("feedback", feedback.measure, 2_000, feedback.FULL, has_processes=True),
    Row("clicks", clicks.measure, 2_000, clicks.FULL, has_processes=True),
    Row("audiences", audiences.measure, 10_000, audiences.GOAL_SIZE),
    Row("reports", reports.measure, 100_000, reports.GOAL_SIZE),
    Row("memory", memory.measure, 10_000, memory.GOAL_SIZE),
    Row("imports", imports.measure, 5_000, imports.FULL),
)


def measure_once(rows: Sequence[Row], *, small: bool) -> Iterator[Figure | Failure]:
    """Yield the figures of each row, and in their place the failure of one that fails."""
    for row in rows:
        yield from _attempt(row, row.small if small else row.full)


def measure_growth(rows: Sequence[Row]) -> Iterator[Figure | Failure]:
    """Yield the figures of each row with its small size, ten and a hundred times as many."""
    for row in rows:
        for times in GROWTH:
            yield from _attempt(row, row.small * times)


def measure_scaling(rows: Sequence[Row], counts: Sequence[int], *, small: bool) -> Iterator[Figure | Failure]:
    """Yield the figures of each row whose work spreads over processes, with each number of them."""
    for row in rows:
        for count in counts if row.has_processes else ():
            yield from _attempt(row, row.small if small else row.full, count)


def _attempt(row: Row, size: int, processes: int = 1) -> list[Figure | Failure]:
    title = f"{row.name}, {size:,}" + (f" by {processes}" if processes > 1 else "")
    say(f"— {title}")
    try:
        figures = row.measure(size, **({"processes": processes} if row.has_processes else {}))
    except Exception as error:  # noqa: BLE001  # whatever it is, the other rows are measured all the same
        failure = Failure(title, " ".join(f"{type(error).__name__}: {error}".split()))
        say(f"{failure.name} failed: {failure.reason}")
        return [failure]
    return [replace(figure, processes=processes) for figure in figures]
