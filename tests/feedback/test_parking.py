"""Events that come too early, name nobody, or cannot be read: kept, tried again, and never lost."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from sqlalchemy import select, text, update

from app.core.clock import now
from app.core.db import Database
from app.delivery.planning import prepare_campaign
from app.feedback.models import ParkedEvent
from app.feedback.parking import MOST_TRIES
from app.feedback.service import retry_parked
from app.recipients.facts import FactKind
from app.recipients.models import ConfigurationSet
from tests.campaigns.prepared import record, send_prepared
from tests.feedback.posted import Topic, make_event, make_message_id, new_set_name, strip_tags
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


async def _read_parked(database: Database) -> list[ParkedEvent]:
    async with database.system_transaction() as session:
        return list(await session.scalars(select(ParkedEvent)))


async def _retry(database: Database) -> int:
    """Let the time of every parked event come, and try."""
    async with database.system_transaction() as session:
        await session.execute(update(ParkedEvent).values(next_try_at=now()))
    return await retry_parked(database)


async def _read_stats(school: SchoolClient, campaign: UUID) -> dict[str, Any]:
    stats: dict[str, Any] = (await school.read(f"/v1/campaigns/{campaign}"))["stats"]
    return stats


async def _send(school: SchoolClient, database: Database) -> UUID:
    await school.push_users(1)
    return await send_prepared(school, database)


async def _park_two(school: SchoolClient, database: Database, topic: Topic) -> UUID:
    """Let two deliveries be parked; the mail of one of them becomes known. Return its campaign."""
    campaign = await _send(school, database)
    await topic.publish(
        strip_tags(make_event("Delivery", school, uuid4())),
        strip_tags(make_event("Delivery", school, campaign)),
    )
    await record(database, school, campaign, 1, FactKind.ACCEPTED, message_id=make_message_id(campaign, 1))
    return campaign


async def test_an_event_before_our_own_commit_is_applied_later(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    campaign = await _send(school, database)
    event = strip_tags(make_event("Delivery", school, campaign))
    await topic.publish(event, event)
    assert (await _read_stats(school, campaign))["delivered"] == 0
    assert [parked.event for parked in await _read_parked(database)] == [event]
    assert await _retry(database) == 1
    assert len(await _read_parked(database)) == 1
    message_id = make_message_id(campaign, 1)
    await record(database, school, campaign, 1, FactKind.ACCEPTED, message_id=message_id)
    assert await _retry(database) == 1
    stats = await _read_stats(school, campaign)
    assert (stats["sent"], stats["delivered"]) == (1, 1)
    assert await _read_parked(database) == []


async def test_an_event_of_a_recipient_not_yet_there_is_applied_later(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    await school.push_users(1)
    campaign = UUID((await school.send())["id"])
    await topic.publish(make_event("Bounce", school, campaign))
    assert len(await _read_parked(database)) == 1
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign)
    await _retry(database)
    assert (await _read_stats(school, campaign))["bounced_permanent"] == 1
    assert await _read_parked(database) == []


async def test_it_is_tried_again_after_growing_pauses(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    await topic.publish(make_event("Delivery", school, uuid4()))
    (first,) = await _read_parked(database)
    assert await retry_parked(database) == 0
    pauses: list[datetime] = []
    for tries in range(1, 6):
        assert await _retry(database) == 1
        (parked,) = await _read_parked(database)
        assert (parked.tries, parked.received_at) == (tries, first.received_at)
        pauses.append(parked.next_try_at)
    waits = [at - now() for at in pauses]
    assert waits == sorted(waits)
    assert waits[-1].total_seconds() > 15


async def test_one_that_waits_keeps_no_other_from_being_applied(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    campaign = await _park_two(school, database, topic)
    assert await _retry(database) == 2
    assert (await _read_stats(school, campaign))["delivered"] == 1
    assert len(await _read_parked(database)) == 1


@pytest.mark.parametrize(
    "tags",
    [
        {"recipient_id": ["0"]},
        {"recipient_id": ["-1"]},
        {"recipient_id": ["99999999999"]},
        {"recipient_id": ["one"]},
        {"campaign_id": ["not-an-id"]},
        {"recipient_id": ["2"]},
    ],
)
async def test_tags_that_name_nobody_change_nothing(
    school: SchoolClient, database: Database, topic: Topic, tags: dict[str, list[str]]
) -> None:
    campaign = await _send(school, database)
    event = make_event("Delivery", school, campaign)
    event["mail"]["tags"] |= tags
    event["mail"]["messageId"] = "another"
    await topic.publish(event)
    assert (await _read_stats(school, campaign))["delivered"] == 0
    assert len(await _read_parked(database)) == 1


@pytest.mark.parametrize(
    "message",
    [
        {"eventType": "Bounce"},
        {"eventType": "Bounce", "mail": {"messageId": "m"}, "bounce": {}},
        {"mail": {}},
        {"eventType": "Delivery", "mail": [], "delivery": {}},
        {"eventType": 7},
    ],
)
async def test_what_cannot_be_read_is_kept_for_a_person(
    database: Database, topic: Topic, message: object
) -> None:
    body = topic.sign(orjson.dumps(message).decode())
    for _ in range(2):
        assert (await topic.post(body)).status_code == 200
    (parked,) = await _read_parked(database)
    assert parked.reason.startswith("cannot be read")
    assert orjson.loads(parked.event["message"]) == message
    assert await _retry(database) == 0
    assert len(await _read_parked(database)) == 1


async def test_plain_text_asks_for_nothing(database: Database, topic: Topic) -> None:
    text = "Successfully validated SNS topic for Amazon SES event publishing."
    assert (await topic.post(topic.sign(text))).status_code == 200
    assert await _read_parked(database) == []


async def test_evidence_is_noted_for_the_configuration_set(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    name = new_set_name()
    event = make_event("Delivery", school, uuid4())
    event["mail"]["tags"]["ses:configuration-set"] = [name]
    await topic.publish(event)
    async with database.system_transaction() as session:
        assert await session.scalar(select(ConfigurationSet.name)) == name
        await session.execute(text("DELETE FROM configuration_sets"))


async def test_what_ses_says_while_it_is_set_up_keeps_no_other_from_being_applied(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    """It names no mail and has no instant of its own but that of its arrival."""
    campaign = await _send(school, database)
    await topic.publish(
        {"notificationType": "AmazonSnsSubscriptionSucceeded", "message": "You have subscribed"},
        strip_tags(make_event("Bounce", school, campaign)),
    )
    await record(database, school, campaign, 1, FactKind.ACCEPTED, message_id=make_message_id(campaign, 1))
    assert await _retry(database) == 2
    assert (await _read_stats(school, campaign))["bounced_permanent"] == 1
    (left,) = await _read_parked(database)
    assert (left.event["notificationType"], left.tries) == ("AmazonSnsSubscriptionSucceeded", 1)


async def test_one_that_cannot_be_read_any_more_is_only_kept(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    """As an event that an earlier release parked, and that this one reads more strictly."""
    campaign = await _park_two(school, database, topic)
    async with database.connection() as connection:
        await connection.execute(
            text(
                "UPDATE parked_events SET event = jsonb_set(event, '{mail}', '7')"
                " WHERE event->'mail'->>'messageId' <> :id"
            ),
            {"id": make_message_id(campaign, 1)},
        )
    assert await _retry(database) == 2
    assert (await _read_stats(school, campaign))["delivered"] == 1
    (left,) = await _read_parked(database)
    assert (left.reason, left.tries) == ("cannot be read any more", MOST_TRIES)
    assert await _retry(database) == 0
