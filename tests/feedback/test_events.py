"""Every type of event in both shapes changes the report as it should, once, in whatever order it comes."""

from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from app.core.db import Database
from tests.campaigns.prepared import send_prepared
from tests.feedback.posted import Topic, make_event, strip_tags
from tests.school import SchoolClient

SOFT: dict[str, Any] = {"bounceType": "Transient", "bounceSubType": "MailboxFull"}
AUTO_REPLY: dict[str, Any] = {
    "bounceType": "Transient",
    "bounceSubType": "General",
    "feedbackId": "auto-reply",
}
SOFTLY = {"bounced": 1, "bounced_soft": 1, "pending": 2}
OUTCOMES: list[tuple[str, dict[str, Any], str, dict[str, int]]] = [
    ("Send", {}, "accepted", {"pending": 3}),
    ("Delivery", {}, "delivered", {"delivered": 1, "pending": 2}),
    ("Bounce", {}, "bounced", {"bounced": 1, "bounced_permanent": 1, "pending": 2}),
    ("Bounce", SOFT, "soft_bounced", SOFTLY),
    ("Bounce", {"bounceType": "Undetermined"}, "soft_bounced", SOFTLY),
    ("Bounce", AUTO_REPLY, "soft_bounced", SOFTLY),
    ("Complaint", {}, "complained", {"delivered": 1, "complained": 1, "pending": 2}),
    ("Complaint", {"complaintFeedbackType": "not-spam"}, "accepted", {"complained": 0, "pending": 3}),
    ("DeliveryDelay", {}, "accepted", {"pending": 3}),
    ("Reject", {}, "failed", {"failed": 1, "pending": 2}),
    ("Rendering Failure", {}, "failed", {"failed": 1, "pending": 2}),
    ("Open", {}, "accepted", {"opened": 0, "opens": 0, "pending": 3}),
    ("Click", {}, "accepted", {"clicked": 0, "clicks": 0, "pending": 3}),
    ("Subscription", {}, "accepted", {"unsubscribed": 0, "pending": 3}),
]
KINDS = ("delivered", "bounced", "bounced_permanent", "bounced_soft", "complained", "failed")
ZERO = dict.fromkeys((*KINDS, "opened", "clicked"), 0)


async def _read_stats(school: SchoolClient, campaign: UUID) -> dict[str, Any]:
    stats: dict[str, Any] = (await school.read(f"/v1/campaigns/{campaign}"))["stats"]
    assert stats["sent"] == stats["delivered"] + stats["bounced"] + stats["pending"] + stats["failed"]
    return stats


async def _read_line(school: SchoolClient, campaign: UUID, number: int = 1) -> dict[str, Any]:
    lines: list[dict[str, Any]] = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    return lines[number - 1]


@pytest.mark.parametrize(("event_type", "changes", "status", "counts"), OUTCOMES)
@pytest.mark.parametrize("tagged", [True, False], ids=["published", "notification"])
async def test_an_event_changes_the_report(
    school: SchoolClient,
    campaign: UUID,
    topic: Topic,
    event_type: str,
    changes: dict[str, Any],
    status: str,
    counts: dict[str, int],
    *,
    tagged: bool,
) -> None:
    event = make_event(event_type, school, campaign, **changes)
    for _ in range(2):
        await topic.publish(event if tagged else strip_tags(event))
    assert (await _read_line(school, campaign))["delivery_status"] == status
    stats = await _read_stats(school, campaign)
    expected = ZERO | counts
    assert {name: stats[name] for name in expected} == expected
    assert (stats["recipients"], stats["sent"]) == (3, 3)
    assert (await _read_line(school, campaign, 2))["delivery_status"] == "accepted"


async def test_both_shapes_of_one_event_are_one_event(
    school: SchoolClient, campaign: UUID, topic: Topic
) -> None:
    event = make_event("Delivery", school, campaign)
    await topic.publish(event, strip_tags(event), event, version=2)
    stats = await _read_stats(school, campaign)
    assert (stats["delivered"], stats["pending"]) == (1, 2)


async def test_any_order_and_repetition_ends_the_same(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    orders = list(permutations(range(4)))
    await school.push_users(len(orders))
    campaign = await send_prepared(school, database)
    addresses = [f"{user}@school.example" for user in sorted(f"user{n + 1}" for n in range(len(orders)))]
    for number, order in enumerate(orders, start=1):
        kinds = [("Send", {}), ("DeliveryDelay", {}), ("Delivery", {}), ("Bounce", AUTO_REPLY)]
        events = [
            make_event(kind, school, campaign, number, address=addresses[number - 1], **changes)
            for kind, changes in kinds
        ]
        await topic.publish(*(events[index] for index in order), *(events[index] for index in order[:2]))
    lines = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    first = {name: value for name, value in lines[0].items() if name not in {"id", "user", "name", "email"}}
    assert first["delivery_status"] == "delivered"
    assert all(line | first == line for line in lines)
    stats = await _read_stats(school, campaign)
    assert (stats["sent"], stats["delivered"], stats["bounced"], stats["pending"]) == (24, 24, 0, 0)


@pytest.mark.parametrize("backwards", [False, True])
async def test_a_bounce_after_a_delivery_wins(
    school: SchoolClient, campaign: UUID, topic: Topic, *, backwards: bool
) -> None:
    events = [make_event("Delivery", school, campaign), make_event("Bounce", school, campaign, **SOFT)]
    await topic.publish(*(reversed(events) if backwards else events))
    stats = await _read_stats(school, campaign)
    assert (stats["delivered"], stats["bounced_soft"]) == (0, 1)


async def test_the_report_says_why_in_plain_words(school: SchoolClient, campaign: UUID, topic: Topic) -> None:
    await topic.publish(make_event("Bounce", school, campaign))
    line = await _read_line(school, campaign)
    assert line["delivery_reason"] == "No such mailbox (hard bounce)"
    assert line["diagnostic"] == "smtp; 550 5.1.1 user unknown"
    assert line["highlight"] == "danger"


async def test_an_event_proves_the_hand_off(school: SchoolClient, campaign: UUID, topic: Topic) -> None:
    await school.push_users(3)
    await topic.publish(make_event("Delivery", school, campaign, 2))
    line = await _read_line(school, campaign, 2)
    assert (line["sent"], line["sent_at"]) == (True, "2026-03-02T08:00:00Z")


async def test_an_unknown_type_is_kept_and_counts_for_nothing(
    school: SchoolClient, campaign: UUID, topic: Topic
) -> None:
    before = await _read_stats(school, campaign)
    event = make_event("Send", school, campaign) | {"eventType": "Telepathy"}
    await topic.publish(event)
    assert await _read_stats(school, campaign) == before
