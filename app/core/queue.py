"""Wake-ups for the workers: the only arq client. PostgreSQL holds the work: a lost wake-up loses nothing."""

import asyncio
from typing import Any
from uuid import UUID

import orjson
import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

QUEUE_NAME = "campaigns:jobs"
HEALTH_KEY = f"{QUEUE_NAME}:health"
"""Every worker renews it in Redis; it is gone `HEALTH_SECONDS` after the last one."""
HEALTH_SECONDS = 10
log = structlog.get_logger(__name__)


def serialize_job(job: dict[str, Any]) -> bytes:
    """Serialise a job as JSON; arq's own default is pickle, which runs what it reads."""
    return orjson.dumps(job, default=str)


def deserialize_job(body: bytes) -> dict[str, Any]:
    """Read a job back."""
    job: dict[str, Any] = orjson.loads(body)
    job["a"] = tuple(job.get("a") or ())
    return job


def redis_settings(url: str) -> RedisSettings:
    """Return arq's settings for a Redis URL; it gives up quickly, our own loops try again."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout = 2
    settings.conn_retries = 0
    return settings


class Queue:
    """Sends wake-ups; connects when first used, so that nothing needs Redis to start."""

    def __init__(self, url: str) -> None:
        self._settings = redis_settings(url)
        self._pool: ArqRedis | None = None
        self._connecting = asyncio.Lock()

    def enqueue(self, session: AsyncSession, job: str, *ids: UUID) -> None:
        """Wake a worker for these ids once the session has committed; never when it rolls back."""

        async def send() -> None:
            await self.wake(job, *ids)

        session.info.setdefault("after_commit", []).append(send)

    async def wake(self, job: str, *ids: UUID) -> None:
        """Send the wake-up now; a Redis that is away costs a moment, as the sweep finds the work anyway."""
        try:
            pool = await self._connect()
            await pool.enqueue_job(job, *(str(each) for each in ids))
        except (RedisError, OSError, TimeoutError) as error:
            log.warning("wake-up not sent", job=job, error=type(error).__name__)

    async def is_up(self) -> bool:
        """Tell whether Redis answers."""
        try:
            return bool(await (await self._connect()).ping())
        except (RedisError, OSError, TimeoutError):
            return False

    async def close(self) -> None:
        """Close the connection."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _connect(self) -> ArqRedis:
        async with self._connecting:
            if self._pool is None:
                self._pool = await create_pool(
                    self._settings,
                    job_serializer=serialize_job,
                    job_deserializer=deserialize_job,
                    default_queue_name=QUEUE_NAME,
                )
            return self._pool
