"""Whether evidence of acceptance can come at all: has SES ever published an event for this set?"""

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from app.recipients.models import ConfigurationSet

GRAIN = timedelta(minutes=1)


async def note_events(connection: AsyncConnection, *, configuration_set: str, at: datetime) -> None:
    """Remember that SES publishes events for this configuration set; callers do so once a minute."""
    statement = insert(ConfigurationSet).values(name=configuration_set, last_event_at=at)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={
                "last_event_at": func.greatest(
                    ConfigurationSet.last_event_at, statement.excluded.last_event_at
                )
            },
        )
    )


async def has_events(connection: AsyncConnection, *, configuration_set: str) -> bool:
    """Tell whether any event was ever seen for this configuration set."""
    found = await connection.scalar(
        select(ConfigurationSet.name).where(ConfigurationSet.name == configuration_set)
    )
    return found is not None
