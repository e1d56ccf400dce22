"""Records are found by thousands of keys with a probe for each, also where the planner knows nothing yet."""

from sqlalchemy import text

from app.core.db import Database, run_sql
from app.directory.lookup import look_up
from app.directory.models import User
from tests.school import SchoolClient


async def test_a_school_without_statistics_is_not_read_whole(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    """What an import does as it brings a school's first records, beside a large school."""
    await other_school.push_users(3000)
    async with database.connection() as connection:
        await connection.execute(text("ANALYZE users"))
    await school.push_users(2000)
    wanted = [f"u{number}" for number in range(1, 2001)]
    statement = look_up(User, school_id=school.id, external_ids=wanted)
    async with database.tenant_transaction(school.id) as session:
        found = (await session.scalars(statement)).all()
        connection = await session.connection()
        compiled = statement.compile(dialect=connection.dialect)
        values = [compiled.params[name] for name in compiled.positiontup or ()]
        plan = "\n".join(row[0] for row in await run_sql(connection, f"EXPLAIN {compiled}", *values))
    assert sorted(found) == sorted(wanted)
    assert "Index Only Scan using pk_users" in plan or "Index Scan using pk_users" in plan
    assert " AND (external_id = " in plan
    assert "Seq Scan on users" not in plan
