"""What is counted and timed: in each process first, then added up in Redis, for any API to show the whole.

However many processes and machines there are, there is one place to scrape. Counts that Redis loses start
again at zero, as Prometheus expects of a counter. No label names a school, a person or an address.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import orjson
import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from redis.exceptions import RedisError

PUSH_SECONDS = 2.0
LAST_PUSH_SECONDS = 1.0
KEY = "campaigns:metrics"
log = structlog.get_logger(__name__)
_registry = CollectorRegistry()

HANDOFFS: Final = Counter(
    "campaigns_handoffs",
    "Recipients handed to SES, by what came of it.",
    ["outcome"],
    registry=_registry,
)
CALL_SECONDS: Final = Histogram(
    "campaigns_ses_call_seconds",
    "How long calls to SES took, well or not.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=_registry,
)
COMMIT_ITEMS: Final = Histogram(
    "campaigns_group_commit_items",
    "How many facts about recipients, or calls to SES, were written in one transaction.",
    ["of"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000),
    registry=_registry,
)
EVENT_LAG_SECONDS: Final = Histogram(
    "campaigns_event_lag_seconds",
    "From the instant at which an event of SES occurred until it was recorded.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
    registry=_registry,
)
VISITS: Final = Counter(
    "campaigns_visits",
    "Opens and clicks, by where they were kept: the database, Redis's backlog, or nowhere.",
    ["kept"],
    registry=_registry,
)

Labels = tuple[tuple[str, str], ...]
Samples = dict[tuple[str, Labels], float]
"""Values by the sample's name and labels."""
_pushed: Samples = defaultdict(float)


@asynccontextmanager
async def add_up(redis: Any) -> AsyncIterator[None]:
    """Add what this process counts to what all have counted, every 2 s and at the end."""
    ended = asyncio.Event()
    task = asyncio.create_task(_keep_pushing(redis, ended))
    try:
        yield
    finally:
        ended.set()
        await asyncio.wait({task}, timeout=LAST_PUSH_SECONDS)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def push(redis: Any) -> None:
    """Add what was counted since the last push; kept for the next while Redis is away."""
    changes = {key: value - _pushed[key] for key, value in _read_own().items() if value != _pushed[key]}
    if not changes:
        return
    pipeline = redis.pipeline(transaction=True)
    for key, change in changes.items():
        _pushed[key] += change
        pipeline.hincrbyfloat(KEY, orjson.dumps(key), change)
    try:
        await pipeline.execute()
    except (RedisError, OSError) as error:
        for key, change in changes.items():
            _pushed[key] -= change
        log.warning("metrics were not added up", error=type(error).__name__)


async def read_families(redis: Any) -> list[Metric]:
    """Return every counter and histogram with what all processes have counted."""
    totals: dict[str, Samples] = defaultdict(dict)
    for field, value in (await redis.hgetall(KEY)).items():
        name, labels = orjson.loads(field)
        totals[name][name, tuple((label, word) for label, word in labels)] = float(value)
    return [_add_totals(family, totals) for family in _registry.collect()]


def _add_totals(family: Metric, totals: Mapping[str, Samples]) -> Metric:
    """Return the family with the totals in place of what this process has counted."""
    whole = Metric(family.name, family.documentation, family.type)
    names = [family.name + suffix for suffix in ("_total", "_bucket", "_count", "_sum")]
    counted = dict.fromkeys(_read_samples(family), 0.0)
    for name in names:
        counted |= totals.get(name, {})
    for name, labels in sorted(counted, key=lambda key: (names.index(key[0]), _order(key[1]))):
        whole.add_sample(name, dict(labels), counted[name, labels])
    return whole


def _order(labels: Labels) -> tuple[Labels, float]:
    """Place buckets by their bound."""
    bound = next((float(word) for label, word in labels if label == "le"), 0.0)
    return tuple(each for each in labels if each[0] != "le"), bound


def _read_own() -> Samples:
    return {key: value for family in _registry.collect() for key, value in _read_samples(family).items()}


def _read_samples(family: Metric) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


async def _keep_pushing(redis: Any, ended: asyncio.Event) -> None:
    while not ended.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), PUSH_SECONDS)
        await push(redis)


class Families:
    """Families gathered from several places, as prometheus-client renders them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        """Keep them."""
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        """Give them."""
        return self._families
