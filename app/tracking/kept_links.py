"""The links of campaigns in Redis, for the time that PostgreSQL is away."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
import structlog
from redis.exceptions import RedisError

from app.content.compiled import Link

PREFIX = "campaigns:links"
KEPT_SECONDS = 60 * 24 * 3600
"""Hardly anybody follows a link later than two months after the mail."""
PATIENCE_SECONDS = 0.5
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class KeptLinks:
    """What is kept is a help and nothing more: while Redis is away, nothing is found and nothing kept."""

    redis: Any  # redis-py's client is untyped where it matters

    async def find(self, school_id: UUID, campaign_id: UUID) -> Sequence[Link] | None:
        """Return the links of a campaign; None when they are not kept."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                body = await self.redis.get(_name(school_id, campaign_id))
        except (RedisError, OSError) as error:
            log.warning("links cannot be read from Redis", error=type(error).__name__)
            return None
        return None if body is None else [Link.from_json(each) for each in orjson.loads(body)]

    async def keep(self, school_id: UUID, campaign_id: UUID, links: Sequence[Link]) -> bool:
        """Keep the links of a campaign for 60 days; tell whether that was possible."""
        body = orjson.dumps([link.to_json() for link in links])
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self.redis.set(_name(school_id, campaign_id), body, ex=KEPT_SECONDS)
        except (RedisError, OSError) as error:
            log.warning("links cannot be kept in Redis", error=type(error).__name__)
            return False
        return True


def _name(school_id: UUID, campaign_id: UUID) -> str:
    return f"{PREFIX}:{school_id}:{campaign_id}"
