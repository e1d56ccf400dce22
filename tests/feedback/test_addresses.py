"""What an event means for the address: a bounce or complaint suppresses, a complaint also unsubscribes."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from app.core.db import Database
from app.directory.models import PreferenceChange, Suppression
from tests.feedback.posted import Topic, make_event
from tests.school import MESSAGE, SchoolClient
from tests.unsubscribe.leaving import count_reached, read_preferences

TYPES = ("operational", "marketing", "newsletter")


async def _read_suppressions(database: Database, school: SchoolClient) -> list[tuple[Any, ...]]:
    async with database.system_transaction() as session:
        rows = await session.execute(
            select(Suppression.email, Suppression.reason, Suppression.origin, Suppression.campaign_id).where(
                Suppression.school_id == school.id
            )
        )
        return [tuple(row) for row in rows]


async def _count_suppressed(school: SchoolClient, message_type: str) -> int:
    body = {"audience": MESSAGE["audience"], "message_type": message_type}
    preview = (await school.http.post("/v1/audiences/preview", json=body)).json()
    suppressed: int = preview["excluded"]["suppressed"]
    return suppressed


@pytest.mark.parametrize(("event_type", "reason"), [("Bounce", "bounced"), ("Complaint", "complained")])
async def test_a_bounce_or_complaint_suppresses(
    school: SchoolClient,
    other_school: SchoolClient,
    database: Database,
    campaign: UUID,
    topic: Topic,
    event_type: str,
    reason: str,
) -> None:
    await other_school.push_users(3)
    for _ in range(2):
        await topic.publish(make_event(event_type, school, campaign))
    assert await _read_suppressions(database, school) == [("user1@school.example", reason, "ses", campaign)]
    for message_type in TYPES:
        assert await _count_suppressed(school, message_type) == 1
        assert await count_reached(school, message_type) == 2
        assert await count_reached(other_school, message_type) == 3
    await school.push("users", {"external_id": "late", "email": "USER1@school.example"})
    assert await _count_suppressed(school, "operational") == 2


@pytest.mark.parametrize(
    ("event_type", "changes"),
    [
        ("Delivery", {}),
        ("Bounce", {"bounceType": "Transient", "bounceSubType": "MailboxFull"}),
        ("Bounce", {"bounceType": "Transient", "bounceSubType": "General"}),
        ("Complaint", {"complaintFeedbackType": "not-spam"}),
        ("Reject", {}),
        ("DeliveryDelay", {}),
    ],
)
async def test_nothing_else_suppresses(
    school: SchoolClient,
    database: Database,
    campaign: UUID,
    topic: Topic,
    event_type: str,
    changes: dict[str, Any],
) -> None:
    await topic.publish(make_event(event_type, school, campaign, **changes))
    assert await _read_suppressions(database, school) == []
    assert await read_preferences(school) == ("subscribed", "subscribed")


async def test_a_complaint_unsubscribes_from_both_types(
    school: SchoolClient, database: Database, campaign: UUID, topic: Topic
) -> None:
    for _ in range(2):
        await topic.publish(make_event("Complaint", school, campaign, 2))
    assert await read_preferences(school, "u2") == ("unsubscribed", "unsubscribed")
    assert await read_preferences(school, "u1") == ("subscribed", "subscribed")
    again = {"external_id": "u2", "email": "user2@school.example", "marketing": "subscribed"}
    assert (await school.push("users", again))["preferences_kept"] == 1
    async with database.system_transaction() as session:
        rows = await session.execute(
            select(PreferenceChange.message_type, PreferenceChange.preference, PreferenceChange.campaign_id)
            .where(PreferenceChange.school_id == school.id, PreferenceChange.source == "complaint")
            .order_by(PreferenceChange.message_type)
        )
        history = [tuple(row) for row in rows]
    assert history == [("marketing", "unsubscribed", campaign), ("newsletter", "unsubscribed", campaign)]


async def test_the_first_reason_stays(
    school: SchoolClient, database: Database, campaign: UUID, topic: Topic
) -> None:
    await topic.publish(make_event("Bounce", school, campaign), make_event("Complaint", school, campaign))
    assert [row[1] for row in await _read_suppressions(database, school)] == ["bounced"]
    assert await read_preferences(school) == ("unsubscribed", "unsubscribed")
