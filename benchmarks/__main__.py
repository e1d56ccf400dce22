"""Every figure by one command: `python -m benchmarks`, or `make bench ARGS="--small --only delivery,clicks"`.

What is going on is said on standard error; standard output holds the tables alone.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figure import Failure, Figure, describe
from benchmarks.rows import GROWTH, ROWS, Row, measure_growth, measure_once, measure_scaling
from benchmarks.show import CORES, show_figures
from benchmarks.tables import render_failures, render_growth, render_scaling, render_time

INTERRUPTED = 130
"""The shell's code for a command ended by Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 when a benchmark failed. Short of a goal is a result, not a failure."""
    given = _read_arguments(arguments)
    outcomes: list[Figure | Failure] = []
    code = 0
    try:
        for outcome in _measure(given):
            outcomes.append(outcome)  # noqa: PERF402  # one by one, so that an interrupt leaves those before it
    except KeyboardInterrupt:
        code = INTERRUPTED
    _show(outcomes, given)
    if given.json:
        given.json.write_text(json.dumps([describe(each) for each in outcomes], indent=1) + "\n")
    return code or int(any(isinstance(each, Failure) for each in outcomes))


def _measure(given: argparse.Namespace) -> Iterator[Figure | Failure]:
    if given.growth:
        return measure_growth(given.only)
    if given.processes:
        return measure_scaling(given.only, given.processes, small=given.small)
    return measure_once(given.only, small=given.small)


def _show(outcomes: Sequence[Figure | Failure], given: argparse.Namespace) -> None:
    if not given.growth and not given.processes:
        show_figures(outcomes)
        return
    figures = [each for each in outcomes if isinstance(each, Figure)]
    tables = [render_growth(figures) if given.growth else render_scaling(figures, CORES)]
    tables += [render_time(figures, CORES), render_failures(outcomes)]
    print("\n\n".join(filter(None, tables)))


def _read_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    names = ", ".join(row.name for row in ROWS)
    parser.add_argument("--small", action="store_true", help="a quick look, with less than the goals are for")
    parser.add_argument("--only", type=_pick_rows, default=ROWS, help=f"some of: {names}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    how = parser.add_mutually_exclusive_group()
    growth = ", ".join(map(str, GROWTH))
    how.add_argument(
        "--growth", action="store_true", help=f"the small size times {growth}: what an item costs"
    )
    how.add_argument(
        "--processes", type=_read_counts, metavar="1,2,4", help="workers, or API processes: how it scales"
    )
    return parser.parse_args(arguments)


def _pick_rows(names: str) -> list[Row]:
    wanted = names.split(",")
    if unknown := set(wanted) - {row.name for row in ROWS}:
        raise argparse.ArgumentTypeError(f"there is no {', '.join(sorted(unknown))}")
    return [row for row in ROWS if row.name in wanted]


def _read_counts(text: str) -> list[int]:
    counts = [int(part) for part in text.split(",")]
    if min(counts) < 1:
        raise argparse.ArgumentTypeError("at least one process")
    return counts


if __name__ == "__main__":
    raise SystemExit(main())
