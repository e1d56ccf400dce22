"""Migrations: up, all the way down, up again to the same schema, and no drift from the models."""

import asyncio
from collections.abc import Callable, Iterator

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import make_url

from app.core.config import Settings
from app.core.db import Database
from app.core.ids import new_id
from app.core.migrations import ROOT, find_gap, migrate

SCHEMA = """
    SELECT 'column', table_name, column_name,
        concat_ws(' ', data_type, is_nullable, column_default, collation_name)
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL SELECT 'index', tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT 'policy', tablename, policyname, concat_ws(' ', roles::text, cmd, qual, with_check)
    FROM pg_policies WHERE schemaname = 'public'
    UNION ALL SELECT 'constraint', conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT 'grant', table_name, grantee, privilege_type FROM information_schema.role_table_grants
    WHERE table_schema = 'public' AND grantee = 'campaigns_tenant'
    UNION ALL SELECT 'option', relname, '', array_to_string(reloptions, ' ') FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
    ORDER BY 1, 2, 3, 4
"""


def ask(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements, each on its own; return the rows of the last."""

    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            rows = [await connection.fetch(statement) for statement in statements]
        finally:
            await connection.close()
        return [tuple(row) for row in rows[-1]]

    return asyncio.run(run())


@pytest.fixture
def fresh_url(settings: Settings) -> Iterator[str]:
    """The URL of a database with nothing in it."""
    name = f"fresh_{new_id().hex}"
    ask(settings.database_url, f"CREATE DATABASE {name}")
    yield make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
    ask(settings.database_url, f"DROP DATABASE {name} WITH (FORCE)")


def read_gap(settings: Settings, url: str) -> str | None:
    async def read() -> str | None:
        database = Database(settings.model_copy(update={"database_url": url}))
        try:
            return await find_gap(database)
        finally:
            await database.close()

    return asyncio.run(read())


def test_up_down_and_up_again(settings: Settings, fresh_url: str) -> None:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = fresh_url
    assert "campaigns migrate" in (read_gap(settings, fresh_url) or "")
    migrate(fresh_url)
    first = ask(fresh_url, SCHEMA)
    assert read_gap(settings, fresh_url) is None
    command.check(config)  # raises when the models and the schema differ
    command.downgrade(config, "base")
    left = {row[1] for row in ask(fresh_url, SCHEMA)}
    assert left == {"alembic_version"}
    migrate(fresh_url)
    assert ask(fresh_url, SCHEMA) == first
    migrate(fresh_url)  # nothing to do is no error
    assert ask(fresh_url, SCHEMA) == first


def test_a_step_of_each_kind_is_reversible(fresh_url: str) -> None:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = fresh_url
    migrate(fresh_url)
    first = ask(fresh_url, SCHEMA)
    command.downgrade(config, "-1")
    assert ask(fresh_url, SCHEMA) != first
    migrate(fresh_url)
    assert ask(fresh_url, SCHEMA) == first


def test_facts_do_not_move_under_a_process_that_works_with_them(fresh_url: str) -> None:
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = fresh_url
    command.upgrade(config, "20261128_fresh_statistics")

    async def work(*statements: str, run: Callable[[], object]) -> None:
        url = fresh_url.replace("+asyncpg", "")
        working = await asyncpg.connect(url, server_settings={"application_name": "campaigns-worker"})
        for statement in statements:
            await working.execute(statement)
        try:
            await asyncio.to_thread(run)
        finally:
            await working.close()

    def up() -> None:
        migrate(fresh_url)

    with pytest.raises(CommandError, match="campaigns-worker still works"):
        asyncio.run(work(_FILL, run=up))
    assert ask(fresh_url, "SELECT count(*) FROM recipients WHERE status = 'queued'") == [(2,)]
    migrate(fresh_url)
    with pytest.raises(CommandError, match="campaigns-worker still works"):
        asyncio.run(work(run=lambda: command.downgrade(config, "-1")))
    assert len(ask(fresh_url, "SELECT FROM recipient_outcomes")) == 2
    command.downgrade(config, "-1")
    asyncio.run(work("DELETE FROM recipients", run=up))  # a first start is no upgrade


_FILL = """
    INSERT INTO recipients (school_id, campaign_id, number, "user", email, wire_address, address_key,
        first_name, last_name, attributes, status, attempt, open_count, message_id)
    SELECT gen_random_uuid(), gen_random_uuid(), n, CASE WHEN n < 3 THEN 'u' || n END,
        CASE WHEN n < 3 THEN 'Ä' || n END, CASE WHEN n < 3 THEN (ARRAY['Ä1', 'ae2'])[n] END, '', '', '', '{}',
        (ARRAY['queued', 'delivered', 'queued'])[n], 1, n, 'm' || n
    FROM generate_series(1, 3) AS n
"""
_OUTCOMES = 'SELECT number, status, "user", open_count, message_id FROM recipient_outcomes ORDER BY number'


def test_facts_move_to_their_own_table_and_back(fresh_url: str) -> None:
    """Nobody gets an outcome of whom nothing is known, unless they were erased."""
    config = Config(ROOT / "alembic.ini")
    config.attributes["url"] = fresh_url
    command.upgrade(config, "20261128_fresh_statistics")
    whole = "SELECT number, status, wire_address, open_count, message_id FROM recipients ORDER BY number"
    before = ask(fresh_url, _FILL, whole)
    command.upgrade(config, "20261128_outcomes_apart")
    assert ask(fresh_url, _OUTCOMES) == [(2, "delivered", "u2", 2, "m2"), (3, "queued", None, 3, "m3")]
    addresses = "SELECT wire_address FROM recipients ORDER BY number"
    assert ask(fresh_url, addresses) == [(None,), ("ae2",), (None,)]
    command.downgrade(config, "20261128_fresh_statistics")
    assert ask(fresh_url, whole) == [(1, "queued", "Ä1", 0, None), *before[1:]]
