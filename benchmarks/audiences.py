"""How fast audiences are counted, shown and frozen in one large school.

`python -m benchmarks.audiences [--size 1M]`; uses CAMPAIGNS_DATABASE_URL if set, else an embedded server.
"""

import argparse
import asyncio
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.audience import FilteredAudience
from app.audience.preview import preview_audience
from app.audience.resolve import Question, count_judged, tune_planner
from app.audience.schemas import PreviewRequest
from app.audience.scope import Scope
from app.campaigns.schemas import MessageCreate, Sender
from app.campaigns.sending import Order, accept_message
from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database
from app.core.logging import configure_logging
from app.core.migrations import migrate
from app.delivery.planning import prepare_campaign
from app.embedded import EmbeddedPostgres
from benchmarks.advised import POSTGRES
from benchmarks.audience_cases import COMBINED_MS, EVERYBODY, ONE_MS, Case, list_cases
from benchmarks.dataset import TABLES, make_school, settle, time_bare_write
from benchmarks.figure import Figure, find_slowest
from benchmarks.progress import say
from benchmarks.show import show_figures

SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000}
RUNS = 3
LARGE = (*TABLES, "recipients", "recipient_outcomes")
FREEZE_S, GOAL_SIZE = 15, 1_000_000
# What campaigns of this size end as: most delivered, four in ten opened, one in ten clicked.
_END = (
    """
    INSERT INTO recipient_outcomes (school_id, campaign_id, number, "user", status, accepted_at, message_id)
    SELECT school_id, campaign_id, number, "user", 'accepted', now(),
        '0102019cadc69a80-' || gen_random_uuid() || '-000000'
    FROM recipients WHERE school_id = $1
    """,
    """
    UPDATE recipient_outcomes SET open_count = (number % 10 < 4)::int, click_count = (number % 10 = 0)::int,
        status = CASE WHEN number % 50 = 49 THEN 'bounced' ELSE 'delivered' END
    WHERE school_id = $1
    """,
)


@dataclass(frozen=True, slots=True)
class Bench:
    """The school that is measured."""

    database: Database
    school_id: UUID

    async def preview(self, audience: dict[str, Any]) -> tuple[float, int]:
        """Count and show an audience as the API does; return milliseconds and how many are matched."""
        request = PreviewRequest.model_validate({"audience": audience, "message_type": "marketing"})

        async def run(session: AsyncSession) -> int:
            return (await preview_audience(session, school_id=self.school_id, request=request)).matched

        return await self._time(run)

    async def count_table(self, table: str) -> float:
        """Return the milliseconds of a bare count of the school's rows of a table: the baseline."""
        query = text(f"SELECT count(*) FROM {table} WHERE school_id = :school")  # noqa: S608  # ours

        async def run(session: AsyncSession) -> int:
            return int((await session.execute(query, {"school": self.school_id})).scalar_one())

        return (await self._time(run))[0]

    async def _time(self, run: Callable[[AsyncSession], Awaitable[int]]) -> tuple[float, int]:
        best, found = float("inf"), 0
        for _ in range(RUNS):
            async with self.database.tenant_transaction(self.school_id) as session:
                started = time.perf_counter()
                found = await run(session)
                best = min(best, (time.perf_counter() - started) * 1000)
        return best, found

    async def explain(self, audience: dict[str, Any], *, analyze: bool = False) -> str:
        """Return the plan by which an audience is counted."""
        question = Question(FilteredAudience.model_validate(audience), "marketing", require_opt_in=False)
        statement = count_judged(Scope(self.school_id, now(), "Europe/Madrid"), question)
        compiled = statement.compile(self.database.engine.sync_engine, compile_kwargs={"literal_binds": True})
        how = "ANALYZE, BUFFERS" if analyze else "COSTS OFF"
        async with self.database.tenant_transaction(self.school_id) as session:
            await tune_planner(session, school_id=self.school_id)
            connection = await session.connection()
            rows = await connection.exec_driver_sql(f"EXPLAIN ({how}) {compiled}")
            return "\n".join(row[0] for row in rows)

    async def freeze(self) -> tuple[UUID, float, int]:
        """Send to everybody and freeze; return the campaign, the seconds, and the recipients."""
        message = MessageCreate.model_validate(
            {
                "message_type": "operational",
                "subject": "Hello {{ attributes.city }}",
                "html": "<body><p>Hi {{ first_name }}</p></body>",
                "audience": EVERYBODY,
            }
        )
        order = Order(message, Sender(id="1", name="Benchmark"), "http://campaigns.example")
        async with self.database.system_transaction() as session:
            _, campaign = await accept_message(session, school_id=self.school_id, order=order)
        started = time.perf_counter()
        async with self.database.system_transaction() as session:
            await prepare_campaign(session, school_id=self.school_id, campaign_id=campaign.id)
        seconds = time.perf_counter() - started
        async with self.database.connection() as connection:
            counted = await connection.execute(
                text("SELECT recipients FROM campaign_counters WHERE campaign_id = :id"), {"id": campaign.id}
            )
            return campaign.id, seconds, int(counted.scalar_one())


def find_scans(plan: str, tables: tuple[str, ...] = LARGE) -> set[str]:
    """Return the big tables that a plan reads whole."""
    return set(re.findall(r"Seq Scan on (\w+)", plan)) & (set(tables) - {"courses"})


def measure(size: int, *, only: str = "", analyze: bool = False) -> list[Figure]:
    """Make a school of so many users, and measure the audiences whose name has `only` in it."""
    with open_database() as settings:
        return asyncio.run(_measure(settings, size, only=only, analyze=analyze))


async def _measure(settings: Settings, size: int, *, only: str, analyze: bool) -> list[Figure]:
    started = time.perf_counter()
    school_id = await make_school(settings, users=size)
    say(f"{size} users and {3 * size} records made in {time.perf_counter() - started:.0f} s")
    database = Database(settings, name="campaigns-benchmark")
    bench = Bench(database, school_id)
    try:
        campaign_id, seconds, recipients = await bench.freeze()
        bare = await time_bare_write(settings.database_url)
        say(f"freeze: {recipients} recipients in {seconds:.1f} s, of which bare writing {bare:.1f} s")
        await _end_campaign(settings.database_url, school_id)
        say(f"{'audience':<32}{'matched':>9}{'ms':>7}{'goal':>6}{'count(*)':>10}{'ratio':>7}  read whole")
        cases = [case for case in list_cases(campaign_id) if only in case.name]
        counted = [await _measure_case(bench, case, size, analyze=analyze) for case in cases]
    finally:
        await database.close()
    frozen = Figure(
        "recipients written",
        seconds,
        "s",
        recipients,
        goal=FREEZE_S,
        baseline=bare,
        baseline_name="the same rows, bare",
        lower_is_better=True,
        goal_size=int(GOAL_SIZE * 0.9),  # of a million users these are left when no address has it twice
    )
    return [*_summarise(counted), frozen]


async def _measure_case(bench: Bench, case: Case, size: int, *, analyze: bool) -> Figure:
    spent, matched = await bench.preview(case.audience)
    bare = await bench.count_table(case.table)
    plan = await bench.explain(case.audience, analyze=analyze)
    scans = ", ".join(sorted(find_scans(plan))) or "-"
    say(f"{case.name:<32}{matched:>9}{spent:>7.0f}{case.goal:>6}{bare:>10.0f}{spent / bare:>7.1f}  {scans}")
    if analyze:
        say(plan)
    return Figure(
        case.name,
        spent,
        "ms",
        size,
        goal=case.goal,
        baseline=bare,
        baseline_name=f"count(*) of {case.table}",
        lower_is_better=True,
        goal_size=GOAL_SIZE,
    )


def _summarise(counted: list[Figure]) -> Iterator[Figure]:
    """Yield the slowest of those with the same goal, which speaks for them all."""
    kinds = (("count and sample, any filter", ONE_MS), ("count and sample, several combined", COMBINED_MS))
    for name, goal in kinds:
        if same := [each for each in counted if each.goal == goal]:
            yield find_slowest(name, same)


async def _end_campaign(url: str, school_id: UUID) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        for step in _END:
            await connection.execute(step, school_id)
        await settle(connection, ("recipients", "recipient_outcomes"))
    finally:
        await connection.close()


@contextmanager
def open_database() -> Iterator[Settings]:
    """Give the settings of the server that the environment names, or else of an embedded one."""
    configure_logging(level="WARNING")  # to standard error: standard output is the table's
    with ExitStack() as stack:
        url = os.environ.get("CAMPAIGNS_DATABASE_URL")
        if url is None:
            url = stack.enter_context(EmbeddedPostgres(durable=False, settings=POSTGRES)).url()
        migrate(url)
        yield Settings(
            database_url=url,
            redis_url="redis://127.0.0.1",
            public_url="http://campaigns.example",
            secret_keys=("a-key-for-benchmarks-0123456789-abc",),
        )


def main() -> int:
    """Measure and print; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="1M")
    parser.add_argument("--only", default="", help="measure the audiences whose name has this in it")
    parser.add_argument("--analyze", action="store_true", help="show how each is counted")
    given = parser.parse_args()
    return show_figures(measure(SIZES[given.size], only=given.only, analyze=given.analyze))


if __name__ == "__main__":
    sys.exit(main())
