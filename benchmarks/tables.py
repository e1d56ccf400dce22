"""Figures as Markdown tables that read well in a terminal too (pure)."""

import re
from collections.abc import Iterable, Sequence

from benchmarks.figure import Failure, Figure, add_own, find_busy, limit_rate, name_limit, sort_spent

FREE = "at most, were simulator, load and others free"
_NUMBER = re.compile(r"[\d.,]+%?([ /][\w/]+)?")


def render_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table: columns aligned, numbers to the right, columns that hold nothing left out."""
    rows = list(rows)
    kept = [column for column in range(len(heads)) if any(row[column] for row in rows)]
    lines = [[line[column] for column in kept] for line in (heads, *rows)]
    columns = list(zip(*lines, strict=True))
    widths = [max(3, *map(len, column)) for column in columns]
    right = [all(_NUMBER.fullmatch(cell) for cell in column[1:] if cell) for column in columns]
    shown = [_join(line, widths, right) for line in lines]
    rule = ["-" * (width - is_right) + ":" * is_right for width, is_right in zip(widths, right, strict=True)]
    return "\n".join([shown[0], f"| {' | '.join(rule)} |", *shown[1:]])


def _join(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    filled = (
        cell.rjust(width) if is_right else cell.ljust(width)
        for cell, width, is_right in zip(cells, widths, right, strict=True)
    )
    return f"| {' | '.join(filled)} |"


def render_figures(outcomes: Iterable[Figure | Failure]) -> str:
    """Return one line a figure: with its baseline, the ratio, the goal, and whether it is met."""
    heads = ("what", "with", "figure", "baseline of the same run", "ratio", "goal", "reached", "note")
    outcomes = list(outcomes)
    rows = [_list_cells(each) for each in outcomes]
    table = render_table(heads, rows)
    if any(isinstance(each, Figure) and not each.is_full_size for each in outcomes):
        table += "\n\n* with fewer than the goal is for."
    return table


def _list_cells(outcome: Figure | Failure) -> tuple[str, ...]:
    if isinstance(outcome, Failure):
        return (outcome.name, "", "", "", "", "", "failed", outcome.reason)
    baseline = "" if outcome.baseline is None else f"{outcome.baseline_name}: {show_value(outcome.baseline)}"
    return (
        outcome.name,
        show_extent(outcome),
        f"{show_value(outcome.value)} {outcome.unit}",
        baseline,
        "" if outcome.ratio is None else f"{outcome.ratio:.2f}",
        show_goal(outcome),
        show_verdict(outcome),
        outcome.note,
    )


def show_value(value: float) -> str:
    """Return a number with as many digits as can be meant."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def show_goal(figure: Figure) -> str:
    """Return the goals in the words of the specification, such as `≥ 10,000/s, ≥ 0.5 ×`."""
    sign = "≤" if figure.lower_is_better else "≥"
    unit = figure.unit[figure.unit.index("/") :] if "/" in figure.unit else f" {figure.unit}"
    goals = [] if figure.goal is None else [f"{sign} {figure.goal:,.0f}{unit}"]
    if figure.ratio_goal is not None:
        goals.append(f"{sign} {figure.ratio_goal:g} ×")
    return ", ".join(goals)


def show_verdict(figure: Figure) -> str:
    """Return `met` or `short`, with a star where the size is less than the goal is for."""
    if figure.is_met is None:
        return ""
    return ("met" if figure.is_met else "short") + ("" if figure.is_full_size else " *")


def render_time(figures: Iterable[Figure], cores: int) -> str:
    """Return which process takes the time of an item, and what the path could do were the stand-ins free.

    Empty where no figure knows its processor time.
    """
    heads = ("what", "with", "µs an item", "of the processor, µs an item", "busy", "limit", FREE)
    rows = [
        (
            figure.name,
            show_extent(figure),
            f"{figure.item_micros:.0f}",
            ", ".join(f"{each.name} {each.micros:.0f}" for each in sort_spent(figure.spent)),
            f"{find_busy(figure, cores):.0%}",
            name_limit(figure, cores),
            f"{limit_rate(figure.spent, cores):,.0f}/s",
        )
        for figure in figures
        if figure.spent
    ]
    return render_table(heads, rows) if rows else ""


def show_extent(figure: Figure) -> str:
    """Return with how many items it was measured, and with how many processes where those are several."""
    return f"{figure.size:,}" + (f" by {figure.processes}" if figure.processes > 1 else "")


def render_growth(figures: Iterable[Figure]) -> str:
    """Return what each figure is at each size, as a multiple of the first, and what one item costs."""
    heads = ("what", "with", "figure", "to the first", "µs an item", "the product's processor time, µs")
    rows = [
        (
            figure.name,
            f"{figure.size:,}",
            f"{show_value(figure.value)} {figure.unit}",
            f"{figure.value / first.value:.2f}",
            show_value(figure.item_micros) if figure.item_micros else "",
            show_value(add_own(figure.spent)) if figure.spent else "",
        )
        for first, figure in _pair_with_first(figures)
    ]
    return render_table(heads, rows)


def render_scaling(figures: Iterable[Figure], cores: int) -> str:
    """Return each figure by the number of processes, as a multiple of the first, and what limits it."""
    heads = ("what", "processes", "figure", "to the first", "ratio to baseline", "machine busy", "limit")
    rows = [
        (
            figure.name,
            str(figure.processes),
            f"{show_value(figure.value)} {figure.unit}",
            f"{figure.value / first.value:.2f}",
            "" if figure.ratio is None else f"{figure.ratio:.2f}",
            f"{find_busy(figure, cores):.0%}" if figure.spent else "",
            name_limit(figure, cores) if figure.spent else "",
        )
        for first, figure in _pair_with_first(figures)
    ]
    return render_table(heads, rows)


def render_failures(outcomes: Iterable[Figure | Failure]) -> str:
    """Return a line for each benchmark that failed; empty where none did."""
    return "\n".join(f"{each.name} failed: {each.reason}" for each in outcomes if isinstance(each, Failure))


def _pair_with_first(figures: Iterable[Figure]) -> list[tuple[Figure, Figure]]:
    """Gather those of the same name, each beside the first of them."""
    same: dict[str, list[Figure]] = {}
    for figure in figures:
        same.setdefault(figure.name, []).append(figure)
    return [(group[0], each) for group in same.values() for each in group]
