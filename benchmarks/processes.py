"""What a process and those it started have used: memory now and at most, processor time so far."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.demo.stack import Stack
from benchmarks.figure import Figure, Spent

API_MB = 150
"""The most an API process may hold."""
MACHINE, OTHERS = "machine", "others"
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes (of 2^20 bytes) a process holds, and the most it ever held."""

    now: int
    most: int

    def __str__(self) -> str:
        """Show both."""
        return f"{self.now} MB, at most {self.most} MB"


def read_memory(process: int) -> Memory:
    """Return what a process holds now and the most it ever held; one it started, where that holds more."""
    family = _list_family(process, _read_times())
    return max((_read_own_memory(each) for each in family), key=lambda memory: memory.most)


def _read_own_memory(process: int) -> Memory:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return Memory(0, 0)
    fields = dict(line.split(":", 1) for line in lines if ":" in line)
    # A process that has ended and is not yet waited for holds nothing, and says nothing of it (proc(5)).
    now, most = (int(fields.get(name, "0").split()[0]) // 1024 for name in ("VmRSS", "VmHWM"))
    return Memory(now, most)


def weigh_api(process: int, *, after: str, size: int) -> Figure:
    """Return the most memory the API held, as a figure."""
    most = read_memory(process).most
    return Figure(f"memory of the API, after {after}", most, "MB", size, goal=API_MB, lower_is_better=True)


def find_api(stack: Stack) -> int:
    """Return the id of the process that serves the API."""
    return next(each for each in stack.processes if each.name == "api").popen.pid


def read_cpu(process: int) -> float:
    """Return the processor seconds of a process and of all it started, those that have ended included."""
    times = _read_times()
    return sum(times[each][1] for each in _list_family(process, times) if each in times) / _TICKS


def _read_times() -> dict[int, tuple[int, int]]:
    """Return of each process its parent, and the ticks that it and its ended children took."""
    times: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                # The name stands in brackets and may hold anything: what counts comes after it (proc(5)).
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            times[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    return times


def _list_family(process: int, times: Mapping[int, tuple[int, int]]) -> set[int]:
    family, size = {process}, 0
    while len(family) > size:
        size = len(family)
        family |= {each for each, (parent, _) in times.items() if parent in family}
    return family


def read_stack_cpu(stack: Stack, *, api: int = 0) -> dict[str, float]:
    """Return the processor seconds of each kind of process, and of the whole machine.

    `api` is one more process that serves the API.
    """
    spent = {"postgresql": read_cpu(stack.services.postgres.pid), "redis": read_cpu(stack.services.redis.pid)}
    for process in stack.processes:
        spent[process.name] = spent.get(process.name, 0.0) + read_cpu(process.popen.pid)
    if api and api != find_api(stack):
        spent["api"] += read_cpu(api)
    return spent | {MACHINE: _read_machine_cpu()}


def _read_machine_cpu() -> float:
    with Path("/proc/stat").open() as file:
        user, nice, system, _idle, _waiting, *interrupts_and_stolen = map(int, file.readline().split()[1:9])
    return (user + nice + system + sum(interrupts_and_stolen)) / _TICKS


def share_cpu(
    before: Mapping[str, float], after: Mapping[str, float], items: int, **processes: int
) -> tuple[Spent, ...]:
    """Return what each kind of process spent on an item; `processes` names those that are several."""
    seconds = {name: used - before.get(name, 0.0) for name, used in after.items()}
    # Whoever else ran: were it much, the figure would not be the product's.
    seconds[OTHERS] = max(0.0, seconds.pop(MACHINE) - sum(seconds.values()))
    return tuple(
        Spent(
            name,
            used / items * 1e6,
            processes=0 if name in {"postgresql", OTHERS} else processes.get(name, 1),
            is_stand_in=name in {"simulator", "load", OTHERS},
        )
        for name, used in sorted(seconds.items())
    )
