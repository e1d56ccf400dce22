"""The embedded PostgreSQL as its clients see it: the role, its rights, its databases, its settings."""

import asyncio

import asyncpg
import pytest

from app.embedded import EmbeddedPostgres, EmbeddedServerError
from tests.embedded.processes import read_arguments
from tests.embedded.queries import run_sql


def test_is_a_recent_postgres_in_utf8(postgres: EmbeddedPostgres) -> None:
    assert int(run_sql(postgres.url(), "SHOW server_version_num")) >= 180000
    assert run_sql(postgres.url(), "SHOW server_encoding") == "UTF8"
    assert run_sql(postgres.url(), "SELECT lower('ÉLÉONORE ŁUKASZ')") == "éléonore łukasz"


def test_role_owns_its_database_and_is_no_superuser(postgres: EmbeddedPostgres) -> None:
    rights = "SELECT (rolsuper, rolcreaterole, rolcreatedb) FROM pg_roles WHERE rolname = current_user"
    owner = "SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()"

    assert run_sql(postgres.url(), rights) == (False, True, True)
    assert run_sql(postgres.url(), owner) == "campaigns"


def test_row_level_security_holds_for_a_role_the_migrations_make(postgres: EmbeddedPostgres) -> None:
    seen_by_tenant = run_sql(
        postgres.url(),
        "CREATE ROLE campaigns_tenant NOLOGIN",
        "GRANT campaigns_tenant TO campaigns",
        "CREATE TABLE secrets AS SELECT 1 AS school_id",
        "ALTER TABLE secrets ENABLE ROW LEVEL SECURITY",
        "GRANT SELECT ON secrets TO campaigns_tenant",
        "SET ROLE campaigns_tenant",
        "SELECT count(*) FROM secrets",
    )

    assert seen_by_tenant == 0
    assert run_sql(postgres.url(), "SELECT count(*) FROM secrets") == 1


@pytest.mark.parametrize("user", ["campaigns", "postgres"])
def test_refuses_who_does_not_know_the_password(postgres: EmbeddedPostgres, user: str) -> None:
    attempt = asyncpg.connect(
        host="127.0.0.1", port=postgres.port, user=user, password="guess", database="campaigns"
    )

    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(_await(attempt))


async def _await(attempt: object) -> None:
    await attempt  # type: ignore[misc]  # asyncpg is untyped


def test_secrets_stay_out_of_the_process_table(postgres: EmbeddedPostgres) -> None:
    password = postgres.url().split(":")[2].split("@")[0]

    assert "postgres" in read_arguments(postgres.pid)
    assert password not in read_arguments(postgres.pid)


def test_listens_on_loopback_alone(postgres: EmbeddedPostgres) -> None:
    assert run_sql(postgres.url(), "SHOW listen_addresses") == "127.0.0.1"
    assert not list((postgres.directory / "data").glob(".s.PGSQL.*"))


def test_settings_of_the_tests_give_up_fsync_but_not_synchronous_commit(postgres: EmbeddedPostgres) -> None:
    shown = {name: run_sql(postgres.url(), f"SHOW {name}") for name in ("fsync", "full_page_writes")}

    assert shown == {"fsync": "off", "full_page_writes": "off"}
    assert run_sql(postgres.url(), "SHOW synchronous_commit") == "on"
    assert run_sql(postgres.url(), "SHOW max_connections") == "200"
    assert run_sql(postgres.url(), "SHOW work_mem") == "5MB"


def test_database_is_copied_from_its_template(postgres: EmbeddedPostgres) -> None:
    name = """it's "quoted"; --"""
    postgres.create_database("pattern")
    run_sql(postgres.url("pattern"), "CREATE TABLE lessons AS SELECT 7 AS hour", "SELECT 1")

    postgres.create_database(name, template="pattern")

    assert run_sql(postgres.url(name), "SELECT hour FROM lessons") == 7
    assert run_sql(postgres.url(name), "SELECT current_database()") == name


def test_database_is_dropped_under_its_clients(postgres: EmbeddedPostgres) -> None:
    async def drop_while_connected() -> None:
        connection = await asyncpg.connect(postgres.url("busy").replace("+asyncpg", ""))
        await asyncio.to_thread(postgres.drop_database, "busy")
        with pytest.raises(
            (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.AdminShutdownError)
        ):
            await connection.fetchval("SELECT 1")
        connection.terminate()

    postgres.create_database("busy")
    asyncio.run(drop_while_connected())

    postgres.drop_database("busy")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        run_sql(postgres.url("busy"), "SELECT 1")


def test_refused_statement_is_one_line_with_the_servers_words(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(EmbeddedServerError, match='template database "nowhere" does not exist') as refused:
        postgres.create_database("copy", template="nowhere")

    assert "\n" not in str(refused.value)
