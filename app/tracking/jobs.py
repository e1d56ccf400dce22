"""The jobs of tracking: what PostgreSQL missed is recorded, and links are ready before the first click."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.campaigns.models import Campaign
from app.core.db import Database
from app.tracking import backlog
from app.tracking.kept_links import KeptLinks
from app.tracking.links import read_links

MOST_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Tracking:
    """What a worker process needs to look after tracking."""

    database: Database
    redis: Any  # redis-py's client is untyped where it matters
    _kept: OrderedDict[tuple[UUID, UUID], None] = field(default_factory=OrderedDict)

    async def apply_backlog(self) -> None:
        """Record the opens and clicks that came while PostgreSQL was away."""
        await backlog.apply_backlog(self.redis, self.database)

    async def keep_links(self) -> None:
        """Keep the links of every campaign that is being sent, once, where Redis can keep them."""
        async with self.database.connection() as connection:
            query = select(Campaign.school_id, Campaign.id).where(
                Campaign.status.in_(("preparing", "sending"))
            )
            under_way = [(row[0], row[1]) for row in await connection.execute(query)]
        for key in under_way:
            if key not in self._kept:
                links = await read_links(self.database, *key)
                if links is not None and await KeptLinks(self.redis).keep(*key, links):
                    self._kept[key] = None
        while len(self._kept) > MOST_REMEMBERED:
            self._kept.popitem(last=False)
