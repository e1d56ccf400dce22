"""What the benchmarks make of what they measured: ratios, goals, costs, limits and tables."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks.figure import Figure, Spent, find_slowest, limit_rate, name_limit
from benchmarks.rows import Row
from benchmarks.tables import render_growth, render_scaling, render_table, render_time


def make_figure(value: float = 12_000, unit: str = "events/s", size: int = 1000, **more: Any) -> Figure:
    return Figure("events", value, unit, size, **more)


@pytest.mark.parametrize(
    ("figure", "is_met"),
    [
        (make_figure(), None),
        (make_figure(goal=12_000), True),
        (make_figure(goal=12_001), False),
        (make_figure(goal=10_000, baseline=20_000, ratio_goal=0.5), True),
        (make_figure(goal=10_000, baseline=30_000, ratio_goal=0.5), False),
        (make_figure(goal=13_000, baseline=20_000, ratio_goal=0.5), False),
        (make_figure(ratio_goal=0.5), None),
        (make_figure(20, "ms", goal=20, lower_is_better=True), True),
        (make_figure(21, "ms", goal=20, lower_is_better=True), False),
        (make_figure(130, "MB", goal=150, lower_is_better=True, baseline=100, ratio_goal=1.25), False),
    ],
)
def test_every_goal_has_to_be_reached(figure: Figure, is_met: bool | None) -> None:
    assert figure.is_met is is_met


@pytest.mark.parametrize(
    ("value", "unit", "covers_all", "micros"),
    [
        (5000, "events/s", True, 200),
        (3, "ms", True, 3),
        (2, "s", True, 2000),
        (3, "ms", False, None),
        (140, "MB", True, None),
    ],
)
def test_an_item_costs_its_share(value: float, unit: str, covers_all: bool, micros: float | None) -> None:
    assert make_figure(value, unit, covers_all=covers_all).item_micros == micros


@pytest.mark.parametrize(
    ("spent", "rate", "limit"),
    [
        # 100 µs an item go by: the worker's one thread is busy for 90 of them.
        ((Spent("worker", 90), Spent("postgresql", 10, 0)), 1e6 / 90, "worker is full"),
        ((Spent("worker", 90, 2), Spent("postgresql", 10, 0)), 2e4, "waiting: disk, locks, round trips"),
        ((Spent("worker", 40), Spent("postgresql", 140, 0)), 2e6 / 180, "the processor, postgresql most"),
        # What the simulator costs keeps nobody back were it free.
        ((Spent("worker", 40), Spent("simulator", 100, is_stand_in=True)), 25_000, "simulator is full"),
        ((Spent("simulator", 10, is_stand_in=True),), 0, "waiting: disk, locks, round trips"),
    ],
)
def test_what_takes_the_time_is_named(spent: tuple[Spent, ...], rate: float, limit: str) -> None:
    assert limit_rate(spent, cores=2) == pytest.approx(rate)
    assert name_limit(make_figure(10_000, spent=spent), cores=2) == limit


def test_the_slowest_speaks_for_all() -> None:
    cases = [
        Figure(name, value, "ms", 10, goal=20, lower_is_better=True)
        for name, value in (("list", 5.0), ("detail ", 30.0), ("page", 7.0))
    ]
    slowest = find_slowest("any page", cases)
    assert (slowest.name, slowest.value, slowest.note) == ("any page", 30.0, "detail; 2 of 3 within")


def test_a_table_is_aligned_and_leaves_out_what_nobody_has() -> None:
    assert render_table(("what", "rate", "nothing"), [("a", "1,000/s", ""), ("long name", "", "")]) == (
        "| what      |    rate |\n| --------- | ------: |\n| a         | 1,000/s |\n| long name |         |"
    )


def test_growth_and_scaling_stand_beside_the_first() -> None:
    first, second = (
        make_figure(1000),
        make_figure(
            500, size=10_000, spent=(Spent("api", 1500, 2), Spent("load", 500, is_stand_in=True)), processes=2
        ),
    )
    growth = render_growth([first, second]).splitlines()[-1]
    assert " ".join(growth.split()) == "| events | 10,000 | 500 events/s | 0.50 | 2,000 | 1,500 |"
    scaling = render_scaling([first, second], cores=2).splitlines()[-1]
    assert (
        " ".join(scaling.split())
        == "| events | 2 | 500 events/s | 0.50 | 50% | waiting: disk, locks, round trips |"
    )
    assert "api 1500" in render_time([first, second], cores=2)
    assert not render_time([first], cores=2)


def _use_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    def measure(size: int, *, processes: int = 1) -> list[Figure]:
        if size > 50:
            raise ValueError("more than\nit bears")
        return [
            make_figure(size * processes, size=size, baseline=size * 2, goal=11, ratio_goal=0.5, goal_size=50)
        ]

    rows = (Row("breaks", measure, 60, 70), Row("works", measure, 10, 50, has_processes=True))
    monkeypatch.setattr(command, "ROWS", rows)


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (["--small"], 1, ["breaks, 60", "ValueError: more than it bears", "≥ 11/s, ≥ 0.5 ×", "short *"]),
        (["--only", "works"], 0, ["50.0 events/s", ": 100 ", "0.50", "met"]),
        (
            ["--only", "works", "--growth"],
            1,
            ["works, 100 failed: ValueError", "works, 1,000 failed", "1.00"],
        ),
        (["--only", "works", "--processes", "1,2"], 0, ["100 events/s", "2.00"]),
    ],
)
def test_the_command_prints_what_it_has_and_fails_for_what_failed(
    arguments: list[str],
    code: int,
    shown: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    _use_rows(monkeypatch)
    path = tmp_path / "figures.json"
    assert command.main([*arguments, "--json", str(path)]) == code
    printed = capsys.readouterr()
    for each in shown:
        assert each in printed.out
    assert "— works" in printed.err
    assert "— works" not in printed.out
    written = json.loads(path.read_text())
    assert [each["ratio"] for each in written if "ratio" in each]
    assert any("reason" in each for each in written) == bool(code)


def test_an_interrupt_leaves_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def wait(_: int) -> list[Figure]:
        raise KeyboardInterrupt

    rows = (Row("works", lambda size: [make_figure(size=size)], 10, 50), Row("waits", wait, 10, 50))
    monkeypatch.setattr(command, "ROWS", rows)
    assert command.main([]) == 130
    assert "12,000 events/s" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["--only", "nothing"], ["--processes", "0"], ["--growth", "--processes", "1"]]
)
def test_what_cannot_be_measured_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        command.main(arguments)
    assert refusal.value.code == 2
