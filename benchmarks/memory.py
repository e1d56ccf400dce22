"""What the API and a worker hold after a school of 1,000, and after one of a million: it has to stay flat.

python -m benchmarks.memory --recipients 1000000
"""

import argparse
import asyncio
import sys

from app.demo.stack import Stack
from benchmarks.figure import Figure
from benchmarks.processes import API_MB, Memory, find_api, read_memory
from benchmarks.progress import say
from benchmarks.sending import found_school, open_stack
from benchmarks.show import show_figures

FIRST, GOAL_SIZE = 1_000, 1_000_000
WORKER_MB = 200
FLAT = 1.25
"""At most a quarter more counts as flat: pools of connections and caches fill with time, not with size."""


def measure(size: int) -> list[Figure]:
    """Import and send to a thousand, then to so many (more than a thousand), with the same processes."""
    with open_stack() as stack:
        return asyncio.run(_measure(stack, max(size, FIRST + 1)))


async def _measure(stack: Stack, size: int) -> list[Figure]:
    held: list[tuple[Memory, Memory]] = []
    async with found_school(stack) as school:
        (worker,) = await school.start_workers(1)
        for recipients in (FIRST, size):
            await school.import_users(recipients)
            await school.send(recipients, workers=1)
            api, sender = read_memory(find_api(stack)), read_memory(worker.popen.pid)
            say(f"after {recipients:>9,} recipients: API {api}; worker {sender}")
            held.append((api, sender))
    return [
        Figure(
            f"memory of {name}, import and sending",
            held[1][which].most,
            "MB",
            size,
            goal=goal,
            baseline=held[0][which].most,
            baseline_name=f"with {FIRST:,}",
            ratio_goal=FLAT,
            lower_is_better=True,
            goal_size=GOAL_SIZE,
        )
        for which, (name, goal) in enumerate((("the API", API_MB), ("a worker", WORKER_MB)))
    ]


def main() -> int:
    """Measure and print; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=1_000_000)
    given = parser.parse_args()
    return show_figures(measure(given.recipients))


if __name__ == "__main__":
    sys.exit(main())
