"""Databases whose pools outlive a test: to connect and compile each statement anew takes longer than most."""

from sqlalchemy.pool import QueuePool

from app.core.config import Settings
from app.core.db import Database


class KeptDatabase(Database):
    """Stays open when a test closes it; what a test did not give back is not the next one's to meet."""

    async def close(self) -> None:
        """Keep the connections, unless somebody still has one of them."""
        pool = self.engine.pool
        if isinstance(pool, QueuePool) and pool.checkedout():
            await self.engine.dispose()

    async def end(self) -> None:
        """Close every pooled connection."""
        await super().close()


class Keeper:
    """Opens databases as `Database` does, the same one for the same settings and name."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, int, str], KeptDatabase] = {}

    def open(self, settings: Settings, *, name: str = "campaigns") -> Database:
        """Return the database that was opened before, or a new one."""
        key = (settings.database_url, settings.database_pool_size, name)
        if key not in self._kept:
            self._kept[key] = KeptDatabase(settings, name=name)
        return self._kept[key]

    async def end(self) -> None:
        """Close them all."""
        for each in self._kept.values():
            await each.end()
