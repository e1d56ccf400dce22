"""What a process and those it started have used: memory now and at most, processor time so far."""

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def read_memory(process: int) -> str:
    """Return what the process holds now, and the most it ever held."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines() if ":" in line
    )
    now, most = (int(fields[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM"))
    return f"{now} MB, at most {most} MB"


def read_cpu(process: int) -> float:
    """Return the processor seconds of a process and of all it started, those that have ended included."""
    times: dict[int, tuple[int, int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                # The name stands in brackets and may hold anything: what counts comes after it (proc(5)).
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            times[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])))
    family, size = {process}, 0
    while len(family) > size:
        size = len(family)
        family |= {each for each, (parent, _) in times.items() if parent in family}
    return sum(times[each][1] for each in family if each in times) / _TICKS
