"""The timeline as a drawing: how many so far, over time (pure). Coordinates are those of an SVG's viewBox."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from app.reports.page.periods import Period

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 12, 36
SERIES: Final = ("sent", "delivered", "opened", "clicked")
_MOST_TICKS = 5
_LABELS = 3


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and what stands there."""

    place: float
    words: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Line:
    """One series: its name, its points as SVG writes them, and its sum."""

    name: str
    points: str
    total: int


@dataclass(frozen=True, slots=True)
class Chart:
    """All that is to be drawn."""

    lines: Sequence[Line]
    rows: Sequence[Tick]
    columns: Sequence[Tick]


def draw_chart(periods: Sequence[Period], timezone: ZoneInfo) -> Chart | None:
    """Draw how many were sent, delivered, opened and clicked so far; None without any period."""
    if not periods:
        return None
    begin, end = periods[0].start, periods[-1].end
    sums = {name: [0, *accumulate(getattr(each, name) for each in periods)] for name in SERIES}
    ticks = choose_ticks(max(sums[name][-1] for name in SERIES))
    across = [
        (_place_across(each.start, begin, end), _place_across(each.end, begin, end)) for each in periods
    ]
    return Chart(
        lines=[_draw_line(name, across, sums[name], ticks[-1]) for name in SERIES],
        rows=[Tick(_place_up(value, ticks[-1]), f"{value:,}") for value in ticks],
        columns=[_make_label(index, begin, end, timezone) for index in range(_LABELS)],
    )


def choose_ticks(most: int) -> list[int]:
    """Choose round numbers from zero to at least `most`, at most five steps apart."""
    step = next(
        unit * 10**power
        for power in range(12)
        for unit in (1, 2, 5)
        if unit * 10**power * _MOST_TICKS >= max(most, 1)
    )
    return list(range(0, max(most, 1) + step, step))[: -(-max(most, 1) // step) + 1]


def _draw_line(name: str, across: Sequence[tuple[float, float]], counts: Sequence[int], most: int) -> Line:
    """Rise within each period, and stay level between two."""
    places = [
        (x, _place_up(count, most))
        for (begin, end), (before, after) in zip(across, pairwise(counts), strict=True)
        for x, count in ((begin, before), (end, after))
    ]
    return Line(name, " ".join(f"{x:.1f},{y:.1f}" for x, y in places), counts[-1])


def _place_across(at: datetime, begin: datetime, end: datetime) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * ((at - begin) / (end - begin))


def _place_up(count: int, most: int) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * count / most, 1)


def _make_label(index: int, begin: datetime, end: datetime, timezone: ZoneInfo) -> Tick:
    at = begin + (end - begin) * index / (_LABELS - 1)
    local = at.astimezone(timezone)
    # Over many days the time of day says nothing.
    words = f"{local.day} {local:%b}" if (end - begin).days >= 7 else f"{local.day} {local:%b, %H:%M}"
    anchor = ("start", "middle", "end")[index]
    return Tick(round(_place_across(at, begin, end), 1), words, anchor)
