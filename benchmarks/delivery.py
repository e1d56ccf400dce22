"""Recipients handed off to SES a second, end to end, against bare loops that only call SES.

python -m benchmarks.delivery --recipients 200000 --workers 1

Everything runs as real processes: PostgreSQL (durable), Redis, the API, workers, and the SES simulator, which
takes most requests at their word, or it would be what is measured. It counts each recipient.
"""

import argparse
import asyncio
import sys
from dataclasses import replace

from app.demo.stack import Stack
from benchmarks.bare_calls import loop_bulk, loop_single
from benchmarks.figure import Figure
from benchmarks.processes import read_memory
from benchmarks.progress import say
from benchmarks.sending import found_school, open_stack
from benchmarks.show import show_figures

GOAL, RATIO_BULK, RATIO_SINGLE = 10_000, 0.5, 5.0
GOAL_SIZE = 200_000


def measure(size: int, *, processes: int = 1, baselines: bool = True) -> list[Figure]:
    """Measure with so many recipients and workers, everything started for it and stopped."""
    with open_stack() as stack:
        return asyncio.run(_measure(stack, size, workers=processes, baselines=baselines))


async def _measure(stack: Stack, size: int, *, workers: int, baselines: bool) -> list[Figure]:
    async with found_school(stack) as school:
        await school.import_users(size)
        bulk = single = None
        if baselines:
            bulk = (await loop_bulk(stack, size)).rate
            say(f"bare SendBulkEmail loop        {bulk:>10,.0f} recipients/s")
            single = (await loop_single(stack, size)).rate
            say(f"bare SendEmail loop            {single:>10,.0f} recipients/s")
        started = await school.start_workers(workers)
        sent = await school.send(size, workers=workers)
        for worker in started:
            say(f"memory of a worker             {read_memory(worker.popen.pid)}")
    speed = sent.speed
    say(
        f"campaign, {workers} worker(s)          {speed.rate:>10,.0f} recipients/s   ({size} in"
        f" {speed.seconds:.1f} s, {sent.prepared:.1f} s of it freezing; none twice, none lost)"
    )
    figure = Figure(
        "hand-off to SES",
        speed.rate,
        "recipients/s",
        size,
        goal=GOAL,
        baseline=bulk,
        baseline_name="bare SendBulkEmail",
        ratio_goal=RATIO_BULK,
        goal_size=GOAL_SIZE,
        spent=sent.spent,
        note=f"{sent.prepared:.1f} s of {speed.seconds:.1f} s freezing",
    )
    if single is None:
        return [figure]
    each = replace(
        figure,
        name="hand-off to SES, to one SendEmail each",
        goal=None,
        baseline=single,
        baseline_name="SendEmail for each",
        ratio_goal=RATIO_SINGLE,
        spent=(),
        note="",
    )
    return [figure, each]


def main() -> int:
    """Measure and print; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=20_000, help="200,000 is what the goal is for")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--no-baselines", action="store_true", help="only the campaign")
    given = parser.parse_args()
    figures = measure(given.recipients, processes=given.workers, baselines=not given.no_baselines)
    return show_figures(figures)


if __name__ == "__main__":
    sys.exit(main())
