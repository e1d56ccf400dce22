"""How fast reports answer over HTTP, in a real API process, among millions of other campaigns' recipients.

`python -m benchmarks.reports [--size 10M]`; `--one 1M` adds a single campaign of that size.
"""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx

from app.core.pages import encode_cursor
from app.demo.run import open_school
from app.demo.stack import Stack
from app.reports.narrowing import RecipientFilter
from app.reports.sorts import SORTS
from benchmarks.advised import make_stack
from benchmarks.asking import Asker
from benchmarks.campaign_data import SentCampaign, make_campaigns
from benchmarks.figure import Figure, find_slowest
from benchmarks.processes import find_api, weigh_api
from benchmarks.progress import say
from benchmarks.show import show_figures

SIZES = {"0": 0, "100k": 100_000, "1M": 1_000_000, "10M": 10_000_000}
EACH, GOAL_SIZE = 10_000, 10_000_000
PAGE_MS, FIGURE_MS, EXPORT_RATE = 20.0, 1000.0, 30_000
RUNS, WARM = 40, 5
BASELINE = "a row by its primary key"


class RowsMissing(Exception):
    """An exported file has fewer lines than the campaign has recipients; the message is one line."""


@dataclass(frozen=True, slots=True)
class Case:
    """A request, its path below the campaign's (or whole), and how many milliseconds its p95 may take."""

    name: str
    path: str
    goal: float = PAGE_MS


def list_cases() -> Iterator[Case]:
    """Return what is measured of campaigns of 10,000 recipients."""
    yield Case(BASELINE, "/v1/school")
    yield Case("list", "/v1/campaigns")
    yield Case("list, third page", "/v1/campaigns?limit=3&cursor={list_cursor}")
    yield Case("detail", "")
    cursor = encode_cursor("number", RecipientFilter().digest(), EACH - 10, EACH - 10)
    yield Case("recipients, first page", "/recipients?limit=10")
    yield Case("recipients, thousandth page", f"/recipients?limit=10&cursor={cursor}")
    for sort in SORTS:
        yield Case(f"sort {sort}", f"/recipients?sort={sort}")
    yield Case("sort -email, second page", "/recipients?sort=-email&cursor={email_cursor}")
    for query in (
        "delivery_status=bounced",
        "delivery_status=failed&delivery_status=complained",
        "opened=true",
        "clicked=false",
        "unsubscribed=true",
        "q=last77",
        "q=nobody",
        "user=user-77",
        "opened=true&sort=-last_opened_at",
    ):
        yield Case(f"filter {query}", f"/recipients?{query}")
    yield Case("one recipient", "/recipients/77")
    yield from list_figures()


def list_figures() -> Iterator[Case]:
    """Return what is added up."""
    yield Case("links", "/links", FIGURE_MS)
    for bucket in ("minute", "hour", "day"):
        since = "&from={today}T00:00:00Z&to={today}T23:59:00Z" if bucket == "minute" else ""
        yield Case(f"timeline by {bucket}", f"/timeline?bucket={bucket}{since}", FIGURE_MS)
    yield Case("domains", "/domains", FIGURE_MS)


@dataclass(slots=True)
class Bench:
    """The API, what the paths are filled in with, and how many recipients there are in all."""

    api: Asker
    fill_in: dict[str, str]
    size: int
    baseline_ms: float = 0.0

    def measure(self, case: Case, campaigns: list[SentCampaign], runs: int, *, warm: int = WARM) -> Figure:
        """Ask of one campaign after another; return the 95th percentile."""
        taken = []
        for _ in range(warm + runs):
            campaign = random.choice(campaigns)
            own = "" if case.path.startswith("/v1/") else f"/v1/campaigns/{campaign.id}"
            taken.append(self.api.time(own + case.path.format(**self.fill_in)))
        measured = sorted(taken[warm:])
        p95 = measured[min(len(measured) - 1, round(len(measured) * 0.95))]
        if case.name == BASELINE:
            self.baseline_ms = p95
        say(
            f"{case.name:<52}{measured[len(measured) // 2]:>9.1f}{p95:>9.1f}{case.goal:>7.0f}"
            f"{p95 / self.baseline_ms:>7.1f}"
        )
        return Figure(
            case.name,
            p95,
            "ms",
            self.size,
            goal=case.goal,
            baseline=self.baseline_ms,
            baseline_name=BASELINE,
            lower_is_better=True,
            goal_size=GOAL_SIZE,
            covers_all=False,
        )


def open_each(api: Asker, campaigns: list[SentCampaign]) -> None:
    """Open each report once, by what became of mail and by name, and say what that first time takes.

    That is a matter of the disk where the tables are larger than the memory. What is measured after it is
    what reports take that have been opened before.
    """
    for sort in ("-last_opened_at", "name"):
        order = random.sample(campaigns, len(campaigns))
        taken = sorted(api.time(f"/v1/campaigns/{each.id}/recipients?sort={sort}") for each in order)
        middle, p95 = taken[len(taken) // 2], taken[round(len(taken) * 0.95) - 1]
        say(f"sort {sort} of each campaign for the first time: median {middle:.1f} ms, p95 {p95:.1f} ms")


def export(api: httpx.Client, campaign: SentCampaign, sort: str, bare: float) -> Figure:
    """Download the table; return its rate beside that of PostgreSQL's own file, in rows a second."""
    started, lines = time.perf_counter(), 0
    with api.stream("GET", f"/v1/campaigns/{campaign.id}/recipients.csv?sort={sort}") as answer:
        answer.raise_for_status()
        for piece in answer.iter_bytes():
            lines += piece.count(b"\n")
    rate = lines / (time.perf_counter() - started)
    if lines != campaign.recipients + 1:
        raise RowsMissing(f"{lines - 1:,} of {campaign.recipients:,} recipients are in the file")
    return Figure(
        f"CSV sorted by {sort}",
        rate,
        "rows/s",
        campaign.recipients,
        goal=EXPORT_RATE,
        baseline=bare,
        baseline_name="bare COPY",
    )


async def time_copy(url: str, campaign: SentCampaign) -> float:
    """Return the rows a second of PostgreSQL's own COPY to CSV of the same campaign: the file's baseline."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))

    async def drop(_: bytes) -> None:
        await asyncio.sleep(0)

    try:
        started = time.perf_counter()
        await connection.copy_from_query(
            "SELECT * FROM recipients JOIN recipient_outcomes USING (school_id, campaign_id, number)"
            " WHERE school_id = (SELECT id FROM schools) AND campaign_id = $1",
            campaign.id,
            output=drop,
            format="csv",
        )
        return campaign.recipients / (time.perf_counter() - started)
    finally:
        await connection.close()


def measure(size: int, *, one: int = 0) -> list[Figure]:
    """Measure among so many recipients, 10,000 a campaign; `one` adds a single campaign of that size.

    There are never fewer than ten campaigns: a list has to have a third page.
    """
    sizes = [EACH] * max(10, size // EACH)
    if one:
        sizes.insert(len(sizes) // 2, one)
    with make_stack() as stack:
        return asyncio.run(_measure(stack, sizes))


async def _measure(stack: Stack, sizes: list[int]) -> list[Figure]:
    url = stack.services.database_url
    key = await open_school(stack)
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    school_id: UUID = await connection.fetchval("SELECT id FROM schools")
    today = await connection.fetchval("SELECT now()::date::text")
    await connection.close()
    started = time.perf_counter()
    made = await make_campaigns(url, school_id, sizes)
    seconds = time.perf_counter() - started
    say(f"{sum(sizes):,} recipients in {len(made)} campaigns made in {seconds:.0f} s")
    with closing(Asker(stack.api_url, key)) as asker:
        open_each(asker, made)
        figures = _ask_everything(Bench(asker, {"today": today}, sum(sizes)), made)
    largest = max(made, key=lambda each: each.recipients)
    bare = await time_copy(url, largest)
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=stack.api_url, headers=headers, timeout=600, trust_env=False) as api:
        figures += [export(api, largest, sort, bare) for sort in ("number", "-last_opened_at")]
    return [*figures, weigh_api(find_api(stack), after="reports", size=sum(sizes))]


def _ask_everything(bench: Bench, made: list[SentCampaign]) -> list[Figure]:
    """Return the slowest page and the slowest of what is added up."""
    usual = [campaign for campaign in made if campaign.recipients == EACH]
    _fill_in(bench, usual[0])
    say(f"{'':<52}{'median':>9}{'p95':>9}{'goal':>7}{'ratio':>7}   (milliseconds; to {BASELINE})")
    asked = [bench.measure(case, usual, RUNS) for case in list_cases()]
    figures = [
        find_slowest(name, [each for each in asked if each.goal == goal and each.name != BASELINE])
        for name, goal in (
            ("list, detail, any page: p95", PAGE_MS),
            ("links, timeline, domains: p95", FIGURE_MS),
        )
    ]
    for campaign in (each for each in made if each.recipients != EACH):
        say(f"of one campaign of {campaign.recipients:,}, asked once, then again")
        first = []
        for case in (*list_figures(), Case("sort -name", "/recipients?sort=-name", FIGURE_MS)):
            first.append(bench.measure(case, [campaign], 1, warm=0))
            bench.measure(case, [campaign], 3, warm=0)
        figures.append(find_slowest(f"of one campaign of {campaign.recipients:,}, asked once", first))
    return figures


def _fill_in(bench: Bench, campaign: SentCampaign) -> None:
    for name, path in (
        ("list_cursor", "/v1/campaigns?limit=3"),
        ("email_cursor", f"/v1/campaigns/{campaign.id}/recipients?sort=-email"),
    ):
        bench.fill_in[name] = bench.api.read_cursor(path)


def main() -> int:
    """Measure and print; the exit status says whether the goals were reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--size", choices=list(SIZES)[1:], default="100k", help="recipients, 10,000 a campaign"
    )
    parser.add_argument("--one", choices=SIZES, default="0", help="recipients of one more campaign")
    given = parser.parse_args()
    return show_figures(measure(SIZES[given.size], one=SIZES[given.one]))


if __name__ == "__main__":
    sys.exit(main())
