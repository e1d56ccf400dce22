"""The detail of a campaign: its stats after it was frozen and after things happened, and what it was."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from app.core.clock import now
from app.core.db import Database
from app.recipients.facts import FactKind
from tests.campaigns.prepared import record, send_prepared
from tests.school import SchoolClient

FIELDS = {
    "id",
    "name",
    "display_name",
    "message_type",
    "status",
    "status_reason",
    "subject",
    "sent_at",
    "timezone",
    "sent_by",
    "scheduled_for",
    "completed_at",
    "stats",
}
STATS = {
    *("recipients", "excluded", "sent", "sent_rate", "delivered", "bounced", "bounced_permanent"),
    *("bounced_soft", "complained", "failed", "unknown", "pending", "opened", "opened_by_click"),
    *("open_rate", "clicked", "click_rate", "opens", "clicks", "machine_opened", "machine_clicked"),
    "unsubscribed",
}


async def test_rows_and_detail_have_the_fields_of_the_contract(
    school: SchoolClient, database: Database
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    (row,) = (await school.read("/v1/campaigns"))["items"]
    detail = await school.read(f"/v1/campaigns/{campaign}")
    assert set(row) == FIELDS
    assert set(detail) == FIELDS | {"audience", "links", "content"}
    assert set(row["stats"]) >= STATS
    assert {name: detail[name] for name in FIELDS} == row
    assert row["status"] == "sending"


async def test_the_frozen_audience_is_told(school: SchoolClient, database: Database) -> None:
    await school.push_users(4)
    await school.push(
        "users",
        {"external_id": "no", "email": "no@school.example", "marketing": "unsubscribed"},
        {"external_id": "twin", "email": "USER1@school.example"},
        {"external_id": "odd", "email": "josé@school.example"},
    )
    campaign = await send_prepared(school, database)
    await school.push("users", {"external_id": "new", "email": "new@school.example"})
    stats = (await school.read(f"/v1/campaigns/{campaign}"))["stats"]
    assert (stats["recipients"], stats["queued"], stats["sent"]) == (4, 4, 0)
    assert stats["excluded"] == {
        "unsubscribed": 1,
        "suppressed": 0,
        "duplicate_address": 1,
        "unsendable_address": 1,
        "erased": 0,
    }
    assert (stats["sent_rate"], stats["open_rate"]) == (0.0, None)


async def test_everything_that_happens_adds_up(school: SchoolClient, database: Database) -> None:
    await school.push_users(8)
    campaign = await send_prepared(school, database)
    happenings: list[tuple[int, FactKind, dict[str, Any]]] = [
        (1, FactKind.DELIVERED, {}),
        (1, FactKind.OPENED, {}),
        (1, FactKind.OPENED, {}),
        (2, FactKind.DELIVERED, {}),
        (2, FactKind.CLICKED, {"link": 1, "at": now() + timedelta(minutes=1)}),
        (2, FactKind.UNSUBSCRIBED, {}),
        (3, FactKind.COMPLAINED, {}),
        (4, FactKind.BOUNCED, {}),
        (5, FactKind.SOFT_BOUNCED, {}),
        (6, FactKind.REFUSED, {}),
        (7, FactKind.ACCEPTED, {}),
        (1, FactKind.OPENED, {"machine": "proxy"}),
    ]
    for number, kind, details in happenings:
        await record(database, school, campaign, number, kind, **details)
    stats = (await school.read(f"/v1/campaigns/{campaign}"))["stats"]
    expected = {
        "recipients": 8,
        "queued": 1,
        "sent": 6,
        "sent_rate": 0.75,
        "delivered": 3,
        "complained": 1,
        "bounced": 2,
        "bounced_permanent": 1,
        "bounced_soft": 1,
        "failed": 1,
        "unknown": 0,
        "pending": 1,
        "opened": 2,
        "opened_by_click": 1,
        "open_rate": 0.6667,
        "clicked": 1,
        "click_rate": 0.3333,
        "opens": 2,
        "clicks": 1,
        "machine_opened": 1,
        "machine_clicked": 0,
        "unsubscribed": 1,
    }
    assert {name: stats[name] for name in expected} == expected
    (row,) = (await school.read("/v1/campaigns"))["items"]
    assert row["stats"] == stats


async def test_the_same_event_twice_counts_once(school: SchoolClient, database: Database) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    key, at = uuid4().bytes, now()
    for _ in range(2):
        await record(database, school, campaign, 1, FactKind.OPENED, at=at, key=key)
    assert (await school.read(f"/v1/campaigns/{campaign}"))["stats"]["opens"] == 1
