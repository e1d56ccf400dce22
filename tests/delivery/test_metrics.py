"""`GET /metrics`: what all processes counted and what waits, in Prometheus's text format."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import make_url

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database
from app.core.metrics import EVENT_LAG_SECONDS, KEY, push
from app.core.redis import connect_redis
from app.delivery.jobs import Delivery
from app.delivery.metrics import scrape
from app.delivery.metrics.scrape import Scraper
from app.recipients.facts import FactKind
from tests.campaigns.prepared import record
from tests.delivery.campaigns import claim_some, open_campaign, run_sql
from tests.delivery.test_interruptions import begin, reach
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")

Figures = dict[tuple[str, frozenset[str]], float]


@pytest.fixture(autouse=True)
def uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every scrape read anew."""
    monkeypatch.setattr(scrape, "CACHED_SECONDS", -1.0)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    """Where the counts are added up."""
    client = connect_redis(settings.redis_url)
    yield client
    await client.aclose()


async def read_figures(public: httpx.AsyncClient) -> Figures:
    """Scrape; return each sample by its name and the words of its labels."""
    answer = await public.get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def look(figures: Figures, name: str, *labels: str) -> float:
    return figures[f"campaigns_{name}", frozenset(labels)]


async def test_the_work_that_waits_is_shown(
    public: httpx.AsyncClient, school: SchoolClient, database: Database
) -> None:
    turn = await open_campaign(database, school, 6, batch_size=1)
    await school.http.post(f"/v1/campaigns/{(await school.send())['id']}/cancel")
    claimed = await claim_some(database, turn)
    states = {1: "unknown", 2: "undecided", 3: "done"}
    for offset, state in states.items():
        await run_sql(
            database,
            "UPDATE batches SET state = :state WHERE number = :number",
            state=state,
            number=claimed.batch + offset,
        )
    await run_sql(database, "UPDATE batches SET not_before = now() - interval '90 s' WHERE state = 'due'")
    await run_sql(database, "UPDATE batches SET called_at = now() - interval '30 s' WHERE state = 'calling'")
    await run_sql(
        database, "UPDATE campaign_counters SET unknown = 2 WHERE campaign_id = :id", id=turn.campaign_id
    )
    figures = await read_figures(public)
    batches = {state: look(figures, "batches", state) for state in ("due", "calling", "unknown", "undecided")}
    assert batches == {"due": 2, "calling": 1, "unknown": 1, "undecided": 1}
    assert 90 <= look(figures, "oldest_due_batch_seconds") < 120
    assert 30 <= look(figures, "oldest_lease_seconds") < 60
    assert look(figures, "recipients_unknown") == 2
    assert (look(figures, "campaigns", "sending"), look(figures, "campaigns", "cancelled")) == (1, 1)
    assert look(figures, "parked_events") == 0
    assert look(figures, "service_up", "postgresql") == look(figures, "service_up", "redis") == 1


async def test_what_every_process_counted_is_added_up(
    public: httpx.AsyncClient, school: SchoolClient, delivery: Delivery, redis: Any
) -> None:
    before = await read_figures(public)
    campaign_id = await begin(school, delivery, 60)
    await reach(school, campaign_id, sent=60)
    await push(redis)  # as each process does every other second
    here = await read_figures(public)
    # Another process: the counts of this one are what Redis adds to.
    await redis.hincrbyfloat(KEY, '["campaigns_handoffs_total",[["outcome","sent"]]]', 40)
    after = await read_figures(public)

    def grown(figures: Figures, name: str, *labels: str) -> float:
        return look(figures, name, *labels) - before.get((f"campaigns_{name}", frozenset(labels)), 0)

    assert grown(here, "handoffs_total", "sent") == 60
    assert grown(after, "handoffs_total", "sent") == 100
    assert grown(here, "ses_call_seconds_count") == grown(here, "ses_call_seconds_bucket", "+Inf") == 2
    assert grown(here, "ses_call_seconds_sum") > 0
    assert 1 <= grown(here, "group_commit_items_count", "calls") <= 2
    assert grown(here, "group_commit_items_sum", "facts") == 60
    assert look(here, "sending_rate_recipients_per_second") > 0
    assert look(here, "next_slot_seconds") >= 0
    assert look(here, "quota_hold") == 0


async def test_buckets_stand_in_their_order(public: httpx.AsyncClient, redis: Any) -> None:
    EVENT_LAG_SECONDS.observe(7)
    await push(redis)
    families = text_string_to_metric_families((await public.get("/metrics")).text)
    (lag,) = (family for family in families if family.name == "campaigns_event_lag_seconds")
    bounds = [float(sample.labels["le"]) for sample in lag.samples if sample.name.endswith("_bucket")]
    counts = [sample.value for sample in lag.samples if sample.name.endswith("_bucket")]
    assert bounds == sorted(bounds)
    assert counts == sorted(counts)
    assert counts[-1] >= 1


async def test_the_lag_of_an_event_runs_from_when_it_occurred(
    public: httpx.AsyncClient, school: SchoolClient, database: Database, redis: Any
) -> None:
    before = await read_figures(public)
    turn = await open_campaign(database, school, 2)
    for kind in (FactKind.DELIVERED, FactKind.OPENED):
        at = now() - timedelta(seconds=100)
        await record(database, school, turn.campaign_id, 1, kind, at=at)
    await push(redis)
    after = await read_figures(public)
    name = "event_lag_seconds_sum"
    assert 100 <= look(after, name) - look(before, name) < 130


@pytest.mark.parametrize("service", ["postgresql", "redis"])
async def test_a_service_that_is_away_leaves_a_gap(
    public: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch, settings: Settings, service: str
) -> None:
    nowhere = unused_tcp_port()
    away = make_url(settings.database_url).set(host="127.0.0.1", port=nowhere, query={})
    broken = Database(
        settings.model_copy(update={"database_url": away.render_as_string(hide_password=False)})
    )
    scraper = (
        Scraper(app.state.database, f"redis://127.0.0.1:{nowhere}/0")
        if service == "redis"
        else Scraper(broken, settings.redis_url)
    )
    async with scraper.running():
        monkeypatch.setattr(app.state, "scraper", scraper)
        figures = await read_figures(public)
    await broken.close()
    assert look(figures, "service_up", service) == 0
    assert (("campaigns_batches", frozenset({"due"})) in figures) is (service == "redis")
    assert (("campaigns_next_slot_seconds", frozenset[str]()) in figures) is (service == "postgresql")


async def test_many_scrapes_at_once_are_one_reading(
    public: httpx.AsyncClient, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrape, "CACHED_SECONDS", 60.0)
    readings = 0
    read = app.state.scraper._read

    async def count() -> Any:
        nonlocal readings
        readings += 1
        return await read()

    monkeypatch.setattr(app.state.scraper, "_read", count)
    answers = await asyncio.gather(*(public.get("/metrics") for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert readings == 1


def unused_tcp_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port
