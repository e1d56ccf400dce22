"""Every table there is, walked in PostgreSQL's catalogue, so that a new one cannot be without its wall."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import TENANT_ROLE, Database
from app.tables import metadata

OF_THE_DEPLOYMENT = {"configuration_sets", "alembic_version"}
"""They belong to no school; a tenant may not even read them."""

TABLES = text("""
    SELECT c.relname, c.relispartition, c.relrowsecurity,
        EXISTS (
            SELECT FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attname = 'school_id' AND NOT a.attisdropped
        ) AS has_school,
        ARRAY(SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = c.oid) AS reading,
        ARRAY(SELECT pg_get_expr(polwithcheck, polrelid) FROM pg_policy WHERE polrelid = c.oid) AS writing,
        ARRAY(
            SELECT a.attname::text
            FROM pg_index i
            CROSS JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
            WHERE i.indrelid = c.oid AND i.indisprimary
            ORDER BY k.place
        ) AS key,
        ARRAY(
            SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) AS p
            WHERE has_table_privilege(:role, c.oid, p)
        ) AS granted
    FROM pg_class c
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
""")


@pytest.fixture
async def connection(database: Database) -> AsyncIterator[AsyncConnection]:
    async with database.connection() as connection:
        yield connection


async def test_every_table_of_a_school_has_its_wall(connection: AsyncConnection) -> None:
    tables = (await connection.execute(TABLES, {"role": TENANT_ROLE})).all()
    assert {table.relname for table in tables} >= metadata.tables.keys() >= {"schools", "users", "recipients"}
    for table in tables:
        if table.relispartition or table.relname in OF_THE_DEPLOYMENT:
            # A partition is reached through its table alone, whose policies hold there.
            assert not table.granted, table.relname
            continue
        column = "id" if table.relname == "schools" else "school_id"
        assert table.has_school or table.relname == "schools", table.relname
        assert table.relrowsecurity, table.relname
        assert table.key[0] == column, table.relname
        for policies in (table.reading, table.writing):
            assert len(policies) == 1, table.relname
            assert policies[0].startswith(f"({column} = "), table.relname
            assert "app.school_id" in policies[0]
        assert "TRUNCATE" not in table.granted


async def test_foreign_keys_never_leave_the_school(connection: AsyncConnection) -> None:
    keys = await connection.execute(
        text("""
            SELECT conrelid::regclass::text AS name, (
                SELECT array_agg(a.attname::text ORDER BY k.place)
                FROM unnest(conkey) WITH ORDINALITY AS k (att, place)
                JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = k.att
            ) AS columns
            FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace
        """)
    )
    seen = 0
    for name, columns in keys:
        assert columns[0] == "school_id", name
        seen += 1
    assert seen > 10


async def test_the_tenants_role_is_no_way_in(connection: AsyncConnection) -> None:
    role = (
        await connection.execute(
            text(
                "SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb "
                "FROM pg_roles WHERE rolname = :role"
            ),
            {"role": TENANT_ROLE},
        )
    ).one()
    assert not any(role)


async def test_without_a_school_the_role_sees_nothing(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql(f"SET LOCAL ROLE {TENANT_ROLE}")
    for table in ("schools", "users", "campaigns", "recipients", "email_events", "api_keys"):
        assert (await connection.execute(text(f"SELECT 1 FROM {table}"))).all() == []  # noqa: S608  # names of ours
    await connection.exec_driver_sql("SET LOCAL app.school_id = ''")
    assert (await connection.execute(text("SELECT 1 FROM users"))).all() == []
