"""Users imported a second, over HTTP into a real API process, against a bare COPY of the same rows.

python -m benchmarks.imports --size 200000 --format ndjson
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from app.demo.run import open_school
from app.demo.stack import Stack
from benchmarks.advised import make_stack
from benchmarks.figure import Figure, Spent
from benchmarks.processes import find_api, read_memory, read_stack_cpu, share_cpu, weigh_api
from benchmarks.progress import say
from benchmarks.show import show_figures

FULL, GOAL = 200_000, 20_000
PIECE = 64 * 1024
START = datetime(2020, 1, 1, tzinfo=UTC)
KINDS = {"ndjson": "application/x-ndjson", "csv": "text/csv"}
HEADER = (
    "external_id,email,first_name,last_name,registered_at,marketing,newsletter,locale,"
    "attributes.level,attributes.city\n"
)


class RowsRefused(Exception):
    """Not every user of the file was stored; the message is one line."""


def make_user(number: int) -> dict[str, Any]:
    """Return a user as a platform would send one; two in three have given a preference."""
    preferences = ("subscribed", "unset", "unsubscribed" if number % 10 == 0 else "unset")
    return {
        "external_id": f"user-{number:08}",
        "email": f"first.last{number}@mail{number % 97}.example.org",
        "first_name": f"First{number % 5000}",
        "last_name": f"Last{number % 9000}",
        "registered_at": (START + timedelta(minutes=number)).isoformat(),
        "marketing": preferences[number % 3],
        "newsletter": preferences[number // 3 % 3],
        "locale": "es-ES",
        "attributes": {"level": f"{number % 9}", "city": "Sevilla"},
    }


def make_lines(kind: str, size: int) -> Iterator[str]:
    """Yield the file's lines."""
    if kind == "csv":
        yield HEADER
    for number in range(size):
        user = make_user(number)
        if kind == "csv":
            yield ",".join((*list(user.values())[:-1], *user["attributes"].values())) + "\n"
        else:
            yield json.dumps(user) + "\n"


def write_file(path: Path, kind: str, size: int) -> None:
    """Write the file that is imported, so that making it is not measured."""
    with path.open("w") as file:
        file.writelines(make_lines(kind, size))


async def read_pieces(path: Path) -> AsyncIterator[bytes]:
    """Yield the file in pieces."""
    with path.open("rb") as file:  # from the page cache
        while piece := file.read(PIECE):
            yield piece


async def time_copy(database_url: str, size: int) -> float:
    """Return the seconds a bare COPY of the same rows takes into a table without index or constraint."""
    rows = [
        (*list(user.values())[:-1], json.dumps(user["attributes"])) for user in map(make_user, range(size))
    ]
    connection = await asyncpg.connect(database_url.replace("+asyncpg", ""))
    try:
        await connection.execute(
            "CREATE TABLE bare (external_id text, email text, first_name text, last_name text,"
            " registered_at text, marketing text, newsletter text, locale text, attributes jsonb)"
        )
        started = time.perf_counter()
        await connection.copy_records_to_table("bare", records=rows)
        return time.perf_counter() - started
    finally:
        await connection.execute("DROP TABLE IF EXISTS bare")
        await connection.close()


async def time_import(api: httpx.AsyncClient, path: Path, kind: str) -> tuple[float, dict[str, Any]]:
    """Return the seconds from the first byte sent to the answer, and the answer."""
    started = time.perf_counter()
    answer = await api.post(
        "/v1/imports?resource=users", content=read_pieces(path), headers={"Content-Type": KINDS[kind]}
    )
    seconds = time.perf_counter() - started
    answer.raise_for_status()
    done: dict[str, Any] = answer.json()
    return seconds, done


def measure(size: int, *, kind: str = "ndjson") -> list[Figure]:
    """Measure with so many users, everything started for it and stopped."""
    with make_stack() as stack:
        path = stack.directory / f"users.{kind}"
        write_file(path, kind, size)
        return asyncio.run(_measure(stack, path, kind, size))


async def _measure(stack: Stack, path: Path, kind: str, size: int) -> list[Figure]:
    """Import the file twice (all new, then all known) and copy its rows."""
    process = find_api(stack)
    headers = {"Authorization": f"Bearer {await open_school(stack)}"}
    rates: dict[str, float] = {}
    spent: dict[str, tuple[Spent, ...]] = {}
    async with httpx.AsyncClient(
        base_url=stack.api_url, headers=headers, timeout=600, trust_env=False
    ) as api:
        say(f"api before             {read_memory(process)}")
        for name in ("new", "unchanged"):
            before = read_stack_cpu(stack) | {"load": time.process_time()}
            seconds, done = await time_import(api, path, kind)
            used = read_stack_cpu(stack) | {"load": time.process_time()}
            rates[name], spent[name] = size / seconds, share_cpu(before, used, size)
            if done["rows_stored"] != size:
                raise RowsRefused(f"{done['rows_stored']:,} of {size:,} users were stored")
            say(f"import, all {name:<10} {rates[name]:>10,.0f} users/s   ({seconds:.1f} s)")
    memory = weigh_api(process, after="imports", size=size)
    bare = size / await asyncio.to_thread(lambda: asyncio.run(time_copy(stack.services.database_url, size)))
    speeds = [
        Figure(
            f"import, {name} users",
            rates[name],
            "users/s",
            size,
            goal=GOAL,
            baseline=bare,
            baseline_name="bare COPY",
            goal_size=FULL,
            spent=spent[name],
        )
        for name in rates
    ]
    return [*speeds, memory]


def main() -> int:
    """Measure and print; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=FULL)
    parser.add_argument("--format", choices=sorted(KINDS), default="ndjson")
    given = parser.parse_args()
    return show_figures(measure(given.size, kind=given.format))


if __name__ == "__main__":
    sys.exit(main())
