"""Evidence: whether SES has ever published an event for a configuration set."""

from datetime import datetime

from sqlalchemy import text

from app.core.db import Database
from app.core.ids import new_id
from app.recipients.evidence import EvidenceLog, has_events
from tests.recipients.campaign import minute


async def read_latest(database: Database, name: str) -> datetime | None:
    async with database.connection() as connection:
        query = text("SELECT last_event_at FROM configuration_sets WHERE name = :name")
        found: datetime | None = await connection.scalar(query, {"name": name})
        return found


async def note(database: Database, log: EvidenceLog, **seen: datetime) -> None:
    async with database.connection() as connection:
        await log.note(connection, seen)
    log.remember(seen)


async def test_one_event_is_evidence_for_its_own_set_alone(database: Database) -> None:
    name, other = f"s{new_id().hex}", f"s{new_id().hex}"
    await note(database, EvidenceLog(), **{name: minute(1)})
    async with database.connection() as connection:
        assert await has_events(connection, configuration_set=name)
        assert not await has_events(connection, configuration_set=other)


async def test_the_latest_event_is_kept_whichever_process_saw_it(database: Database) -> None:
    name, one, two = f"s{new_id().hex}", EvidenceLog(), EvidenceLog()
    await note(database, one, **{name: minute(9)})
    await note(database, two, **{name: minute(5)})
    assert await read_latest(database, name) == minute(9)
    await note(database, two, **{name: minute(12)})
    assert await read_latest(database, name) == minute(12)


async def test_within_a_minute_it_is_noted_once(database: Database) -> None:
    name, log = f"s{new_id().hex}", EvidenceLog()
    await note(database, log, **{name: minute(1)})
    await note(database, log, **{name: minute(2)})
    assert await read_latest(database, name) == minute(1)
    await note(database, log, **{name: minute(3)})
    assert await read_latest(database, name) == minute(3)


async def test_what_was_rolled_back_is_noted_the_next_time(database: Database) -> None:
    name, log = f"s{new_id().hex}", EvidenceLog()
    async with database.connection() as connection:
        await log.note(connection, {name: minute(1)})
        await connection.rollback()
    await note(database, log, **{name: minute(1)})
    assert await read_latest(database, name) == minute(1)
