"""Every table there is, walked in PostgreSQL's catalogue, so that a new one cannot be without its wall."""

from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import TENANT_ROLE, Database
from app.tables import metadata
from tests.school import SchoolClient

OF_THE_DEPLOYMENT = {
    "configuration_sets": "when SES's events of each were last heard of: the account's, not a school's",
    "alembic_version": "where the schema stands",
}
"""Why they belong to no school; a tenant may not even read them."""

MINE = "NULLIF(current_setting('app.school_id', true), '')::uuid"
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
    names = await _check_walls(connection)
    assert names >= metadata.tables.keys() >= {"schools", "users", "recipients"}
    assert names >= OF_THE_DEPLOYMENT.keys()


@pytest.mark.parametrize(
    "statements",
    [
        [],
        ["ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY"],
        [
            "ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY tenant ON forgotten TO {TENANT_ROLE} USING (school_id = {MINE})",
        ],
    ],
)
async def test_a_table_without_its_whole_wall_is_noticed(
    connection: AsyncConnection, statements: list[str]
) -> None:
    table = "CREATE TABLE forgotten (school_id uuid, id uuid, PRIMARY KEY (school_id, id))"
    for statement in (table, *statements):
        await connection.exec_driver_sql(statement)
    with pytest.raises(AssertionError):
        await _check_walls(connection)
    await connection.rollback()


async def _check_walls(connection: AsyncConnection) -> set[str]:
    """Assert that every table has its wall; return their names."""
    tables = (await connection.execute(TABLES, {"role": TENANT_ROLE})).all()
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
            assert (policies[0] or "").startswith(f"({column} = "), table.relname
            assert "app.school_id" in policies[0]
        assert "TRUNCATE" not in table.granted
    return {table.relname for table in tables}


async def test_another_schools_rows_are_neither_seen_nor_made(
    connection: AsyncConnection, school: SchoolClient, other_school: SchoolClient
) -> None:
    tables = (await connection.execute(TABLES, {"role": TENANT_ROLE})).all()
    await connection.exec_driver_sql(f"SET LOCAL ROLE {TENANT_ROLE}")
    await connection.exec_driver_sql(f"SET LOCAL app.school_id = '{school.id}'")
    mine = (await connection.execute(text("SELECT id FROM schools"))).scalars().all()
    assert mine == [school.id]
    for table in tables:
        column = "id" if table.relname == "schools" else "school_id"
        if "SELECT" in table.granted:
            query = f"SELECT 1 FROM {table.relname} WHERE {column} <> '{school.id}'"  # noqa: S608  # names of ours
            assert (await connection.execute(text(query))).all() == [], table.relname
        if "INSERT" in table.granted:
            # Whatever else is wrong with the row: the wall is looked at first.
            add = f"INSERT INTO {table.relname} ({column}) VALUES ('{other_school.id}')"  # noqa: S608  # as above
            with pytest.raises(ProgrammingError, match="row-level security"):
                async with connection.begin_nested():
                    await connection.execute(text(add))
        if "UPDATE" in table.granted and table.relname != "schools":
            move = f"UPDATE {table.relname} SET {column} = '{other_school.id}'"  # noqa: S608  # as above
            with suppress(DBAPIError):
                async with connection.begin_nested():
                    moved = await connection.execute(text(move))
                    assert moved.rowcount == 0, table.relname


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
    holdings = await connection.execute(
        text("""
            SELECT
                (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid),
                (SELECT count(*) FROM pg_proc p WHERE p.proowner = r.oid),
                (SELECT count(*) FROM pg_auth_members m WHERE m.member = r.oid),
                -- Whatever runs as its owner would lead around the walls.
                (
                    SELECT count(*) FROM pg_proc p
                    WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
                ),
                (SELECT count(*) FROM pg_views v WHERE v.schemaname = 'public'),
                has_schema_privilege(r.oid, 'public', 'CREATE')::int
            FROM pg_roles r WHERE r.rolname = :role
        """),
        {"role": TENANT_ROLE},
    )
    assert not any(holdings.one())


async def test_without_a_school_the_role_sees_nothing(connection: AsyncConnection) -> None:
    await connection.exec_driver_sql(f"SET LOCAL ROLE {TENANT_ROLE}")
    for table in metadata.tables:
        if not await connection.scalar(text("SELECT has_table_privilege(:name, 'SELECT')"), {"name": table}):
            continue
        assert (await connection.execute(text(f"SELECT 1 FROM {table}"))).all() == []  # noqa: S608  # names of ours
    await connection.exec_driver_sql("SET LOCAL app.school_id = ''")
    assert (await connection.execute(text("SELECT 1 FROM users"))).all() == []
