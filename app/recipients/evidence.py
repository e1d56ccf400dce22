"""Whether evidence of acceptance can come at all: has SES ever published an event for this set?"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.recipients.models import ConfigurationSet

GRAIN = timedelta(minutes=1)


class EvidenceLog:
    """Remembers, at most once a minute for each configuration set, that SES publishes events for it."""

    def __init__(self) -> None:
        self._noted: dict[str, datetime] = {}

    async def note(self, connection: AsyncConnection, seen: Mapping[str, datetime]) -> None:
        """Note the latest event of each configuration set named, in the caller's transaction."""
        for name, at in sorted(seen.items()):
            if self._is_news(name, at):
                await _write(connection, name, at)

    def remember(self, seen: Mapping[str, datetime]) -> None:
        """Take what was noted for known, now that its transaction is committed."""
        self._noted.update({name: at for name, at in seen.items() if self._is_news(name, at)})

    def _is_news(self, name: str, at: datetime) -> bool:
        noted = self._noted.get(name)
        return noted is None or at - noted > GRAIN


async def _write(connection: AsyncConnection, name: str, at: datetime) -> None:
    statement = insert(ConfigurationSet).values(name=name, last_event_at=at)
    latest = func.greatest(ConfigurationSet.last_event_at, statement.excluded.last_event_at)
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["name"], set_={"last_event_at": latest})
    )


async def has_events(connection: AsyncConnection, *, configuration_set: str) -> bool:
    """Tell whether any event was ever seen for this configuration set."""
    found = await connection.scalar(
        select(ConfigurationSet.name).where(ConfigurationSet.name == configuration_set)
    )
    return found is not None
