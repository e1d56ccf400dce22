"""Clicks recorded, then redirected, a second by one API process, against a bare redirect.

`python -m benchmarks.clicks [--events 20000]`; also the latency at 1,000 clicks a second.
"""

import argparse
import asyncio
from collections.abc import Iterator

from app.core.db import Database
from app.core.redis import connect_redis
from app.core.signing import Purpose, RecipientRef, Signer
from app.demo.stack import Stack
from app.tracking.backlog import apply_backlog
from benchmarks.bare import run_bare
from benchmarks.load import run_load, write_requests
from benchmarks.mailed import Mailed, count, send_campaign
from benchmarks.processes import read_memory

GOAL, GOAL_RATIO, GOAL_P99, STEADY = 6000, 0.5, 20.0, 1000
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


def measure(stack: Stack, events: int) -> bool:
    """Print the figures; tell whether the goals were reached."""
    process = next(each for each in stack.processes if each.name == "api").popen.pid
    steady = min(5 * STEADY, events)
    mailed = asyncio.run(send_campaign(stack, events + steady))
    warm, rest, slow = (stack.directory / name for name in ("warm", "rest", "slow"))
    first = max(1, events // 10)
    write_requests(warm, make_requests(mailed, range(1, first + 1)))
    write_requests(rest, make_requests(mailed, range(first + 1, events + 1)))
    write_requests(slow, make_requests(mailed, range(events + 1, events + steady + 1)))
    print(f"api before      {read_memory(process)}")
    run_load(warm, port=stack.api_port)
    ours = run_load(rest, port=stack.api_port)
    calm = run_load(slow, port=stack.api_port, rate=STEADY)
    print(f"api after       {read_memory(process)}")
    with run_bare(stack.environment) as port:
        run_load(warm, port=port)
        bare = run_load(rest, port=port)
    ratio = ours.rate / bare.rate
    ours.show("recorded", status="302")
    bare.show("bare redirect", status="302")
    calm.show(f"at {STEADY:,}/s", status="302")
    if put_off := asyncio.run(_apply_put_off(mailed)):
        print(f"kept in Redis   {put_off:10,}     PostgreSQL took longer than 2 s: busy with something else?")
    clicks = asyncio.run(count(mailed, "clicks + machine_clicked"))
    assert clicks == events + steady, clicks
    print(f"ratio           {ratio:10.2f}   goals: {GOAL:,}/s, {GOAL_RATIO}, p99 {GOAL_P99:.0f} ms")
    return ours.rate >= GOAL and ratio >= GOAL_RATIO and calm.p99 <= GOAL_P99


async def _apply_put_off(mailed: Mailed) -> int:
    """Record what went to Redis, as a worker would; some of it may have been recorded after all."""
    database = Database(mailed.settings)
    try:
        async with connect_redis(mailed.settings.redis_url) as redis:
            return await apply_backlog(redis, database)
    finally:
        await database.close()


def main() -> int:
    """Start what is needed, measure, stop it; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    given = parser.parse_args()
    with Stack(workers=0) as stack:
        return 0 if measure(stack, given.events) else 1


if __name__ == "__main__":
    raise SystemExit(main())
