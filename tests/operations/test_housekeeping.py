"""Housekeeping: months ahead are made, old ones dropped whole, and records nobody asks for removed."""

from datetime import UTC, date, datetime, time

import pytest
from sqlalchemy import text

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database
from app.core.ids import new_id
from app.operations.history import drop_months
from app.operations.housekeeping import tidy_up
from app.operations.leftovers import remove_leftovers
from app.operations.months import add_months, list_months, name_partition, read_month
from app.recipients.facts import FactKind
from tests.operations.examined import run_sql
from tests.recipients.campaign import event_key, make_campaign
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")

PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'email_events'::regclass"
KEY = """
    INSERT INTO idempotency_keys (school_id, key, body_hash, created_at)
    VALUES (:id, :key, '\\x01', now() - make_interval(days => :days))
"""
IMPORT = """
    INSERT INTO imports (school_id, id, resource, format, progressed_at)
    VALUES (:id, :own, 'users', 'csv', now() - make_interval(days => :days))
"""


async def list_partitions(database: Database) -> set[str]:
    async with database.connection() as connection:
        rows = await connection.execute(
            text(
                "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'email_events'::regclass"
            )
        )
        return {row[0] for row in rows}


async def count(database: Database, table: str) -> int:
    async with database.connection() as connection:
        found = await connection.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608  # a table of ours
        assert isinstance(found, int)
        return found


async def test_months() -> None:
    assert add_months(date(2026, 11, 24), 2) == date(2027, 1, 1)
    assert add_months(date(2026, 1, 31), -1) == date(2025, 12, 1)
    assert list_months(date(2026, 12, 5), 2) == [date(2026, 12, 1), date(2027, 1, 1)]
    assert read_month(name_partition(date(2026, 3, 1))) == date(2026, 3, 1)
    for other in ("email_events_default", "email_events_2026_13", "email_events_2026_1", "users"):
        assert read_month(other) is None


async def test_partitions_are_there_for_this_month_and_three_more(
    settings: Settings, database: Database
) -> None:
    await tidy_up(database, settings)
    await tidy_up(database, settings)
    months = list_months(now().date(), 4)
    assert {name_partition(month) for month in months} <= await list_partitions(database)


async def test_old_months_are_dropped_and_the_counters_stay(settings: Settings, database: Database) -> None:
    today = date(2020, 3, 15)
    for month in (date(2019, 11, 1), date(2019, 12, 1), date(2020, 1, 1)):
        after = add_months(month, 1)
        await run_sql(
            database,
            f"CREATE TABLE IF NOT EXISTS {name_partition(month)} PARTITION OF email_events "
            f"FOR VALUES FROM ('{month}') TO ('{after}')",
        )
        await run_sql(
            database,
            "INSERT INTO email_events (school_id, campaign_id, number, occurred_at, key, kind) "
            "VALUES (:id, :id, 1, :month, '\\x01', 'opened')",
            id=new_id(),
            month=datetime.combine(month, time(), UTC),
        )
    campaign = await make_campaign(database, recipients=2)
    await campaign.record(campaign.fact(FactKind.OPENED, number=1, key=event_key(1)))
    before = await campaign.counters()
    assert await drop_months(database, today=today, kept=2) == [
        "email_events_2019_11",
        "email_events_2019_12",
    ]
    left = await list_partitions(database)
    assert "email_events_2020_01" in left
    assert "email_events_default" in left
    assert not {"email_events_2019_11", "email_events_2019_12"} & left
    assert await count(database, "email_events") == 2
    assert await campaign.counters() == before
    assert await drop_months(database, today=today, kept=1) == ["email_events_2020_01"]


async def test_a_month_that_is_in_use_is_dropped_another_night(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.history.LOCK_SECONDS", 0.05)
    await run_sql(
        database,
        "CREATE TABLE email_events_2018_01 PARTITION OF email_events "
        "FOR VALUES FROM ('2018-01-01') TO ('2018-02-01')",
    )
    async with database.connection() as connection:
        await connection.execute(text("SELECT 1 FROM email_events"))  # somebody reads the history
        assert await drop_months(database, today=date(2018, 6, 1), kept=1) == []
    assert await drop_months(database, today=date(2018, 6, 1), kept=1) == ["email_events_2018_01"]


async def test_leftovers_are_removed_and_what_is_young_stays(
    settings: Settings, database: Database, school: SchoolClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.operations.leftovers.ROWS_AT_ONCE", 2)
    for days in (31, 29):
        own = new_id()
        await run_sql(database, KEY, id=school.id, key=f"key-{days}", days=days)
        await run_sql(database, IMPORT, id=school.id, own=own, days=days)
        await run_sql(
            database,
            "INSERT INTO import_rejections (school_id, import_id, line, ordinal, field, reason) "
            "SELECT :id, :own, n, 1, 'email', 'bad' FROM generate_series(1, 5) AS n",
            id=school.id,
            own=own,
        )
    await run_sql(
        database,
        "INSERT INTO parked_events (school_id, key, reason, event, received_at, tries) "
        "SELECT gen_random_uuid(), '\\x01', 'cannot be read', '{}', now() - interval '70 days', n "
        "FROM unnest(ARRAY[3, 200]) AS n",
    )
    removed = await remove_leftovers(database, settings)
    assert removed == {"idempotency_keys": 1, "import_rejections": 5, "imports": 1}
    assert (await count(database, "imports"), await count(database, "import_rejections")) == (1, 5)
    removed = await remove_leftovers(database, settings.model_copy(update={"retention_months": 2}))
    assert removed["parked_events"] == 1
    assert await count(database, "parked_events") == 1
    assert await count(database, "idempotency_keys") == 1
