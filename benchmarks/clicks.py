"""Clicks recorded, then redirected, a second by an API process, against a bare redirect.

`python -m benchmarks.clicks [--events 20000]`; also the latency at 1,000 clicks a second.
"""

import argparse
import asyncio
from collections.abc import Iterator

from app.core.db import Database
from app.core.open_files import allow_many_files
from app.core.redis import connect_redis
from app.core.signing import Purpose, RecipientRef, Signer
from app.tracking.backlog import apply_backlog
from benchmarks.advised import make_stack
from benchmarks.bare import run_bare
from benchmarks.figure import Figure
from benchmarks.load import run_load, write_requests
from benchmarks.mailed import EventsLost, Mailed, count, send_campaign
from benchmarks.processes import read_memory, read_stack_cpu, share_cpu, weigh_api
from benchmarks.progress import say
from benchmarks.serving import serve_api
from benchmarks.show import show_figures

FULL, GOAL, GOAL_RATIO, GOAL_P99, STEADY = 20_000, 6000, 0.5, 20.0, 1000
BROWSERS = 500
"""Connections at once: everyone who clicks has one, so a mail to very many is followed by very many."""
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def make_requests(mailed: Mailed, numbers: range) -> Iterator[bytes]:
    """Yield GETs as a browser sends them; every person follows one link."""
    signer = Signer(mailed.settings.secret_keys)
    for number in numbers:
        token = signer.sign(Purpose.CLICK, RecipientRef(mailed.school_id, mailed.campaign_id, number))
        yield (
            f"GET /c/{token}/{1 + number % 2} HTTP/1.1\r\nHost: campaigns\r\nUser-Agent: {AGENT}\r\n"
            "Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip, deflate, br\r\n\r\n"
        ).encode()


def measure(size: int, *, processes: int = 1) -> list[Figure]:
    """Measure with so many clicks and API processes, everything started for it and stopped."""
    allow_many_files()
    with (
        make_stack() as stack,
        serve_api(stack, processes) as api,
    ):
        steady = min(5 * STEADY, size)
        mailed = asyncio.run(send_campaign(stack, size + steady))
        warm, rest, slow = (stack.directory / name for name in ("warm", "rest", "slow"))
        first = max(1, size // 10)
        write_requests(warm, make_requests(mailed, range(1, first + 1)))
        write_requests(rest, make_requests(mailed, range(first + 1, size + 1)))
        write_requests(slow, make_requests(mailed, range(size + 1, size + steady + 1)))
        say(f"api before      {read_memory(api.process)}")
        run_load(warm, port=api.port, connections=BROWSERS)
        cpu = read_stack_cpu(stack, api=api.process)
        ours = run_load(rest, port=api.port, connections=BROWSERS)
        used = read_stack_cpu(stack, api=api.process) | {"load": ours.cpu}
        calm = run_load(slow, port=api.port, rate=STEADY)
        say(f"api after       {read_memory(api.process)}")
        memory = weigh_api(api.process, after="clicks", size=size)
        with run_bare(stack, processes) as port:
            run_load(warm, port=port, connections=BROWSERS)
            bare = run_load(rest, port=port, connections=BROWSERS)
            bare_calm = run_load(slow, port=port, rate=STEADY)
        ours.show("recorded", status="302")
        bare.show("bare redirect", status="302")
        calm.show(f"at {STEADY:,}/s", status="302")
        _check_recorded(mailed, size + steady)
    speed = Figure(
        "clicks recorded, then redirected",
        ours.rate,
        "clicks/s",
        size,
        # A process alone has to reach it: several together are asked for nothing.
        goal=GOAL if processes == 1 else None,
        baseline=bare.rate,
        baseline_name="bare redirect",
        ratio_goal=GOAL_RATIO,
        goal_size=FULL,
        spent=share_cpu(cpu, used, size - first, api=processes),
    )
    latency = Figure(
        f"clicks, p99 at {STEADY:,}/s",
        calm.p99,
        "ms",
        steady,
        goal=GOAL_P99,
        baseline=bare_calm.p99,
        baseline_name="bare redirect",
        lower_is_better=True,
        covers_all=False,
    )
    return [speed, latency, memory]


def _check_recorded(mailed: Mailed, expected: int) -> None:
    if put_off := asyncio.run(_apply_put_off(mailed)):
        say(f"kept in Redis   {put_off:10,}     PostgreSQL took longer than 2 s: busy with something else?")
    if (clicks := asyncio.run(count(mailed, "clicks + machine_clicked"))) != expected:
        raise EventsLost(f"{clicks:,} clicks are recorded of {expected:,}")


async def _apply_put_off(mailed: Mailed) -> int:
    """Record what went to Redis, as a worker would; some of it may have been recorded after all."""
    database = Database(mailed.settings)
    try:
        async with connect_redis(mailed.settings.redis_url) as redis:
            return await apply_backlog(redis, database)
    finally:
        await database.close()


def main() -> int:
    """Measure and print; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=FULL)
    parser.add_argument("--processes", type=int, default=1, help="of the API, and of the baseline")
    given = parser.parse_args()
    return show_figures(measure(given.events, processes=given.processes))


if __name__ == "__main__":
    raise SystemExit(main())
