"""An event that cannot be applied harms no other: it is parked, answered 200, and applied once mended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest
from sqlalchemy import text, update

from app.core.clock import now
from app.core.db import Database
from app.feedback.models import ParkedEvent
from app.feedback.service import retry_parked
from tests.campaigns.prepared import send_prepared
from tests.feedback.posted import Topic, make_event
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")

BREAK = (
    """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'cannot be stored'; END $$
    """,
    """
    CREATE TRIGGER refuse BEFORE INSERT ON email_events
    FOR EACH ROW WHEN (NEW.number = 1) EXECUTE FUNCTION refuse()
    """,
)
MEND = ("DROP TRIGGER refuse ON email_events", "DROP FUNCTION refuse")


@asynccontextmanager
async def _broken_for_the_first(database: Database) -> AsyncIterator[None]:
    """Let no event of recipient 1 be stored, as a fault of ours might."""
    async with database.connection() as connection:
        for statement in BREAK:
            await connection.execute(text(statement))
    try:
        yield
    finally:
        async with database.connection() as connection:
            for statement in MEND:
                await connection.execute(text(statement))


async def test_it_is_parked_and_the_others_are_applied(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    await school.push_users(2)
    campaign = await send_prepared(school, database)
    poison, good = (make_event("Delivery", school, campaign, number) for number in (1, 2))
    async with _broken_for_the_first(database):
        for event in (poison, good):
            answer = await topic.post(topic.sign(orjson.dumps(event).decode()))
            assert answer.status_code == 200
        assert (await school.read(f"/v1/campaigns/{campaign}"))["stats"]["delivered"] == 1
        await _let_time_come(database)
        assert await retry_parked(database) == 1
    await _let_time_come(database)
    await retry_parked(database)
    assert (await school.read(f"/v1/campaigns/{campaign}"))["stats"]["delivered"] == 2
    await _let_time_come(database)
    assert await retry_parked(database) == 0


async def _let_time_come(database: Database) -> None:
    async with database.system_transaction() as session:
        await session.execute(update(ParkedEvent).values(next_try_at=now()))
