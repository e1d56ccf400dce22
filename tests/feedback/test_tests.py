"""Events of test messages: they concern no recipient, so nothing of them is kept."""

from uuid import uuid4

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import Database
from app.feedback.apply import TEST_TAGS
from app.feedback.models import ParkedEvent
from app.feedback.service import retry_parked
from app.recipients.models import ConfigurationSet
from tests.feedback.posted import Topic, make_event
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


@pytest.mark.parametrize("event_type", ["Send", "Delivery", "Bounce", "Complaint"])
async def test_they_are_dropped_and_prove_that_events_come(
    school: SchoolClient, database: Database, topic: Topic, event_type: str
) -> None:
    event = make_event(event_type, school, uuid4())
    tags = {name: [value] for name, value in TEST_TAGS.items()}
    event["mail"]["tags"] = {"ses:configuration-set": ["campaigns"]} | tags
    await topic.publish(event, event)
    async with database.system_transaction() as session:
        assert (await session.scalars(select(ParkedEvent))).all() == []
        assert await session.scalar(select(ConfigurationSet.name)) == "campaigns"


async def test_one_parked_before_is_forgotten(school: SchoolClient, database: Database, topic: Topic) -> None:
    event = make_event("Delivery", school, uuid4())
    await topic.publish(event)
    event["mail"]["tags"] = {name: [value] for name, value in TEST_TAGS.items()}
    async with database.system_transaction() as session:
        await session.execute(update(ParkedEvent).values(event=event, next_try_at=now()))
    await retry_parked(database)
    async with database.system_transaction() as session:
        assert (await session.scalars(select(ParkedEvent))).all() == []
