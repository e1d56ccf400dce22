"""The metrics that operators watch: there by their names, in base units, and named rightly in the README."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from app.core.config import Settings
from app.core.queue import HEALTH_KEY
from app.core.redis import connect_redis
from app.delivery.metrics import scrape
from tests.operations.examined import run_sql

pytestmark = pytest.mark.usefixtures("empty_database")

README = Path(__file__).resolve().parents[2] / "README.md"
WATCHED = {
    "campaigns_batches": "gauge",
    "campaigns_campaigns": "gauge",
    "campaigns_event_lag_seconds": "histogram",
    "campaigns_group_commit_items": "histogram",
    "campaigns_handoffs": "counter",
    "campaigns_last_event_timestamp_seconds": "gauge",
    "campaigns_next_slot_seconds": "gauge",
    "campaigns_oldest_due_batch_seconds": "gauge",
    "campaigns_oldest_lease_seconds": "gauge",
    "campaigns_parked_events": "gauge",
    "campaigns_quota_hold": "gauge",
    "campaigns_quota_left_recipients": "gauge",
    "campaigns_recipients_unknown": "gauge",
    "campaigns_sending_rate_recipients_per_second": "gauge",
    "campaigns_service_up": "gauge",
    "campaigns_ses_call_seconds": "histogram",
    "campaigns_worker_up": "gauge",
}
OTHER_UNITS = re.compile(r"_(ms|millis|milliseconds|minutes|hours|days|percent|kb|mb|kilobytes)(_|$)")


@pytest.fixture(autouse=True)
async def redis(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """Redis as a worker leaves it: its sign of life, and what the account said of its quota."""
    monkeypatch.setattr(scrape, "CACHED_SECONDS", -1.0)
    client: Any = connect_redis(settings.redis_url)
    keys = (HEALTH_KEY, "campaigns:pace:day", "campaigns:pace:reserved")
    await client.delete(*keys)
    await client.set(HEALTH_KEY, "here", ex=60)
    await client.hset("campaigns:pace:day", mapping={"left": 1000, "since": 50})
    await client.hset("campaigns:pace:reserved", mapping={"45": 7, "50": 30, "55": 3})
    yield client
    await client.delete(*keys)
    await client.aclose()


async def read_families(public: httpx.AsyncClient) -> dict[str, Metric]:
    """Scrape; return each family by its name."""
    return {each.name: each for each in text_string_to_metric_families((await public.get("/metrics")).text)}


async def test_what_is_watched_is_there(public: httpx.AsyncClient) -> None:
    families = await read_families(public)
    assert {name: families[name].type for name in WATCHED if name in families} == WATCHED
    for name, family in families.items():
        assert name.startswith("campaigns_")
        assert not OTHER_UNITS.search(name), "base units alone"
        assert family.documentation
        assert not {"school", "school_id", "email", "address"} & {
            label for sample in family.samples for label in sample.labels
        }


async def test_the_quota_left_and_the_worker_are_told(
    public: httpx.AsyncClient, redis: Any, empty_database: Any
) -> None:
    await run_sql(
        empty_database,
        "INSERT INTO configuration_sets (name, last_event_at) "
        "VALUES ('a', to_timestamp(5)), ('b', to_timestamp(1700000000))",
    )
    families = await read_families(public)

    def look(name: str) -> float:
        (sample,) = families[name].samples
        return float(sample.value)

    assert look("campaigns_quota_left_recipients") == 967
    assert look("campaigns_worker_up") == 1
    assert look("campaigns_last_event_timestamp_seconds") == 1_700_000_000
    await redis.delete(HEALTH_KEY, "campaigns:pace:day")
    families = await read_families(public)
    assert look("campaigns_worker_up") == 0
    assert "campaigns_quota_left_recipients" not in families, "no limit is known"


async def test_every_metric_that_the_readme_names_exists(public: httpx.AsyncClient) -> None:
    families = await read_families(public)
    known = {sample.name for family in families.values() for sample in family.samples} | families.keys()
    named = set(re.findall(r"\bcampaigns_[a-z_]+[a-z]\b", README.read_text())) - {"campaigns_tenant"}
    assert named - known == set()
