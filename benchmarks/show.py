"""The figures of one benchmark on standard output: the table, and what takes the time."""

import os
from collections.abc import Sequence

from benchmarks.figure import Failure, Figure
from benchmarks.tables import render_figures, render_time

CORES = os.cpu_count() or 1


def show_figures(outcomes: Sequence[Figure | Failure]) -> int:
    """Print; return 1 where something failed or is short of a goal at the size the goal is for, else 0."""
    print(render_figures(outcomes))
    figures = [each for each in outcomes if isinstance(each, Figure)]
    if time := render_time(figures, CORES):
        print(f"\n{time}")
    has_failed = len(figures) < len(outcomes)
    return int(has_failed or any(each.is_met is False and each.is_full_size for each in figures))
