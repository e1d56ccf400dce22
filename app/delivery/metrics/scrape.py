"""One scrape: what all processes counted, and what waits; whatever is away leaves a gap, never a failure."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from prometheus_client import Metric, generate_latest
from redis.exceptions import RedisError

from app.core.db import Database, is_disconnect
from app.core.metrics import Families, add_up, read_families
from app.core.redis import connect_redis
from app.delivery.metrics.gauges import make_health, make_pace, read_work
from app.delivery.metrics.quota import read_quota
from app.delivery.pacing import read_pace

CACHED_SECONDS = 3.0
PATIENCE_SECONDS = 5.0
log = structlog.get_logger(__name__)


class Scraper:
    """Reads and renders, at most once in a few seconds however many ask."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self._database = database
        self._redis = connect_redis(redis_url)
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")
        self._text = b""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Scraper"]:
        """Add up what this process counts for as long as it lives."""
        try:
            async with add_up(self._redis):
                yield self
        finally:
            await self._redis.aclose()

    async def render(self) -> bytes:
        """Return the metrics in Prometheus's text format."""
        async with self._reading:
            loop = asyncio.get_running_loop()
            if loop.time() > self._read_at + CACHED_SECONDS:
                self._text = generate_latest(Families(await self._read()))
                self._read_at = loop.time()
            return self._text

    async def _read(self) -> list[Metric]:
        work, counted = await asyncio.gather(self._read_work(), self._read_counted())
        health = make_health({"postgresql": bool(work), "redis": bool(counted)})
        return [health, *work, *counted]

    async def _read_work(self) -> list[Metric]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._database.connection() as connection:
                return await read_work(connection)
        except Exception as error:
            if not is_disconnect(error):
                raise
            log.warning("work is not measured", error=type(error).__name__)
            return []

    async def _read_counted(self) -> list[Metric]:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                pace = make_pace(await read_pace(self._redis))
                return [*pace, *await read_quota(self._redis), *await read_families(self._redis)]
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("counts are not known", error=type(error).__name__)
            return []
