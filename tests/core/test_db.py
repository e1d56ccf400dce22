"""Two kinds of transaction: a tenant's sees one school, and leaves nothing behind for who comes next."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.config import Settings
from app.core.db import Database, is_contention, is_disconnect
from app.core.ids import new_id
from tests.recipients.campaign import make_campaign
from tests.school import SchoolClient

WHO = text("SELECT current_user, current_setting('app.school_id', true), count(*) FROM users")


@pytest.fixture
async def one_connection(settings: Settings) -> AsyncIterator[Database]:
    """A pool of a single connection, so that the next user surely gets the one just given back."""
    database = Database(settings.model_copy(update={"database_pool_size": 1}))
    yield database
    await database.close()


async def read_users(session: AsyncSession) -> set[str]:
    """Ask for everybody, as a query that forgot the school would."""
    return set(await session.scalars(text("SELECT external_id FROM users")))


async def check_nothing_is_left(database: Database) -> None:
    async with database.system_transaction() as session:
        user, school, _ = (await session.execute(WHO)).one()
    assert user != "campaigns_tenant"
    assert not school


async def test_a_tenant_sees_its_school_even_where_the_query_forgets_it(
    database: Database, school: SchoolClient, other_school: SchoolClient
) -> None:
    await school.push_users(3)
    await other_school.push("users", {"external_id": "theirs", "email": "t@x.example"})
    async with database.tenant_transaction(school.id) as session:
        assert await read_users(session) == {"u1", "u2", "u3"}
        assert list(await session.scalars(text("SELECT id FROM schools"))) == [school.id]
        changed = await session.execute(text("UPDATE users SET last_name = 'Mine' RETURNING external_id"))
        assert len(changed.all()) == 3
    theirs = await other_school.read("/v1/directory/users/theirs")
    assert theirs["last_name"] == ""


async def test_a_tenant_of_no_known_school_sees_nothing(database: Database, school: SchoolClient) -> None:
    await school.push_users(1)
    async with database.tenant_transaction(new_id()) as session:
        assert await read_users(session) == set()


async def test_a_tenant_cannot_write_for_another_school(
    database: Database, school: SchoolClient, other_school: SchoolClient
) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.tenant_transaction(school.id) as session:
            await session.execute(
                text("INSERT INTO trainers (school_id, external_id, name) VALUES (:id, 't', 'T')"),
                {"id": other_school.id},
            )
    with pytest.raises(DBAPIError, match="row-level security"):
        async with database.tenant_transaction(school.id) as session:
            await session.execute(text("UPDATE schools SET id = :id"), {"id": new_id()})


async def test_the_system_sees_every_school(
    database: Database, school: SchoolClient, other_school: SchoolClient
) -> None:
    async with database.system_transaction() as session:
        assert {school.id, other_school.id} <= set(await session.scalars(text("SELECT id FROM schools")))


async def test_nothing_is_left_after_a_commit(one_connection: Database, school: SchoolClient) -> None:
    async with one_connection.tenant_transaction(school.id) as session:
        user, setting, _ = (await session.execute(WHO)).one()
        assert (user, setting) == ("campaigns_tenant", str(school.id))
    await check_nothing_is_left(one_connection)


async def test_nothing_is_left_after_an_error(one_connection: Database, school: SchoolClient) -> None:
    with pytest.raises(DBAPIError):
        async with one_connection.tenant_transaction(school.id) as session:
            await session.execute(text("SELECT 1 / 0"))
    await check_nothing_is_left(one_connection)

    async def fail() -> None:
        async with one_connection.tenant_transaction(school.id) as session:
            await session.execute(WHO)
            raise ValueError("not of the database")

    with pytest.raises(ValueError, match="not of the database"):
        await fail()
    await check_nothing_is_left(one_connection)


async def test_nothing_is_left_after_a_cancellation(one_connection: Database, school: SchoolClient) -> None:
    begun = asyncio.Event()

    async def sleep() -> None:
        async with one_connection.tenant_transaction(school.id) as session:
            await session.execute(WHO)
            begun.set()
            await session.execute(text("SELECT pg_sleep(60)"))

    for _ in range(3):
        begun.clear()
        task = asyncio.create_task(sleep())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await check_nothing_is_left(one_connection)


async def test_a_statement_of_a_tenant_cannot_outlive_its_school(
    one_connection: Database, school: SchoolClient, other_school: SchoolClient
) -> None:
    """The same prepared statement, on the same connection, for one school and then for another."""
    await school.push("users", {"external_id": "a", "email": "a@x.example"})
    await other_school.push("users", {"external_id": "b", "email": "b@x.example"})
    for each, users in ((school, {"a"}), (other_school, {"b"}), (school, {"a"})):
        async with one_connection.tenant_transaction(each.id) as session:
            assert await read_users(session) == users


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recipients SET email = ''",
        "UPDATE recipient_outcomes SET status = 'delivered'",
        "DELETE FROM recipient_outcomes",
        "DELETE FROM recipients",
        "UPDATE campaign_counters SET sent = 0",
        "DELETE FROM campaign_counters",
        "DELETE FROM email_events",
        "DELETE FROM email_events_default",
        "SELECT * FROM email_events_default",
        "UPDATE exclusions SET reason = ''",
        "UPDATE batches SET state = 'done'",
        "SELECT * FROM parked_events",
        "SELECT * FROM configuration_sets",
        "DELETE FROM schools",
        "TRUNCATE users",
        "CREATE TABLE mine (id int)",
    ],
)
async def test_what_only_the_system_may_do_is_refused_to_tenants(
    database: Database, school: SchoolClient, statement: str
) -> None:
    await make_campaign(database, school_id=school.id)
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner"):
        async with database.tenant_transaction(school.id) as session:
            await session.execute(text(statement))


async def test_a_tenant_reads_its_own_recipients(
    database: Database, school: SchoolClient, other_school: SchoolClient
) -> None:
    await make_campaign(database, recipients=2, school_id=school.id)
    await make_campaign(database, recipients=5, school_id=other_school.id)
    async with database.tenant_transaction(school.id) as session:
        assert await session.scalar(text("SELECT count(*) FROM recipients")) == 2


async def test_an_error_hides_what_was_asked_with(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.system_transaction() as session:
            await session.execute(text("SELECT 1 / (length(:address) - 16)"), {"address": "secret@x.example"})
    assert "secret" not in str(caught.value)


async def test_losing_postgresql_and_losing_a_race_are_told_apart(
    database: Database, one_connection: Database
) -> None:
    async with one_connection.connection() as connection:
        me = await connection.scalar(text("SELECT pg_backend_pid()"))
    async with database.connection() as connection:
        await connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": me})
    with pytest.raises(DBAPIError) as caught:
        async with one_connection.connection() as connection:
            await connection.execute(text("SELECT 1"))
    assert is_disconnect(caught.value)
    assert not is_contention(caught.value)
    async with one_connection.connection() as connection:  # the pool has a new one
        assert await connection.scalar(text("SELECT 1")) == 1
        with pytest.raises(DBAPIError) as caught:
            await connection.execute(text("SELECT 1 / 0"))
    assert not is_disconnect(caught.value)
    assert not is_contention(caught.value)


async def test_a_real_deadlock_is_a_lost_race(database: Database) -> None:
    campaign = await make_campaign(database, recipients=2)
    both = asyncio.Barrier(2)
    lock = text("SELECT FROM recipients WHERE school_id = :school AND number = :number FOR UPDATE")

    async def take(*order: int) -> None:
        async with database.connection() as connection:
            await connection.execute(lock, {"school": campaign.school_id, "number": order[0]})
            await both.wait()
            await connection.execute(lock, {"school": campaign.school_id, "number": order[1]})

    results = await asyncio.gather(take(1, 2), take(2, 1), return_exceptions=True)
    (lost,) = [result for result in results if result is not None]
    assert is_contention(lost)
    assert not is_disconnect(lost)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError(),
        TimeoutError(),
        asyncpg.CannotConnectNowError(),
        asyncpg.TooManyConnectionsError(),
    ],
)
def test_a_broken_connection_is_a_disconnect(error: Exception) -> None:
    assert is_disconnect(error)
    assert not is_contention(error)


def test_a_mistake_of_ours_is_neither() -> None:
    assert not is_disconnect(ValueError())
    assert not is_disconnect(asyncpg.UndefinedTableError())
    assert not is_contention(ValueError())
