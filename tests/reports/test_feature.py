"""Every column, card and detail that the platform's administrators know is there, by its own name for it."""

from typing import Any

import pytest

from app.core.db import Database
from tests.reports.happenings import make_campaign
from tests.school import SchoolClient

LIST_COLUMNS: dict[str, tuple[str, ...]] = {
    "Sent at": ("sent_at", "timezone"),
    "Campaign name": ("display_name",),
    "Type": ("message_type",),
    "Recipients": ("stats.recipients",),
    "Sent": ("stats.sent", "stats.sent_rate"),
    "SES Delivered": ("stats.delivered",),
    "Bounced": ("stats.bounced",),
    "Opened": ("stats.opened", "stats.open_rate"),
    "Clicked": ("stats.clicked", "stats.click_rate"),
}
CARDS: dict[str, dict[str, Any]] = {
    "Recipients": {"stats.recipients": 9},
    "Sent": {"stats.sent": 7, "stats.sent_rate": 0.7778},
    "SES Delivered": {
        "stats.delivered": 3,
        "stats.bounced": 2,
        "stats.bounced_permanent": 1,
        "stats.bounced_soft": 1,
        "stats.complained": 1,
        "stats.failed": 2,
    },
    "Pending": {"stats.pending": 1},
    "Opened": {"stats.opened": 2, "stats.open_rate": 0.6667},
    "Clicked": {"stats.clicked": 2, "stats.click_rate": 0.6667},
    "Metadata": {
        "subject": "Hello {{ first_name }}",
        "timezone": "Europe/Madrid",
        "sent_by.name": "Tests",
        "message_type": "marketing",
        "display_name": "Untitled",
    },
}
# Of the person by number: what the row shows.
ROWS: dict[int, dict[str, Any]] = {
    1: {
        "name": "Ann Bell",
        "profile_url": "https://school.example/people/u1",
        "sent": True,
        "sent_at": "2026-03-01T12:00:00Z",
        "delivery_status": "delivered",
        "opened": True,
        "first_opened_at": "2026-03-01T12:10:00Z",
        "open_count": 2,
        "clicked": True,
        "first_clicked_at": "2026-03-01T13:11:00Z",
        "click_count": 2,
        "highlight": "success",
    },
    4: {
        "sent": True,
        "delivery_status": "bounced",
        "delivery_reason": "No such mailbox (hard bounce)",
        "opened": False,
        "highlight": "danger",
    },
    5: {
        "delivery_status": "soft_bounced",
        "delivery_reason": "Mailbox full (soft bounce)",
        "highlight": "danger",
    },
    6: {"sent": False, "delivery_status": "failed", "highlight": "danger"},
    8: {"sent": True, "delivery_status": "failed", "highlight": "danger"},
    9: {"sent": False, "sent_at": None, "delivery_status": "queued", "highlight": None},
}


def _look_up(item: dict[str, Any], name: str) -> Any:
    value: Any = item
    for part in name.split("."):
        value = value[part]
    return value


async def test_the_list_the_cards_and_the_rows(school: SchoolClient, database: Database) -> None:
    template = "https://school.example/people/{external_id}"
    await school.http.patch("/v1/school", json={"profile_url_template": template})
    campaign = await make_campaign(school, database)
    (row,) = (await school.read("/v1/campaigns"))["items"]
    for column, names in LIST_COLUMNS.items():
        assert all(_look_up(row, name) is not None for name in names), column
    detail = await school.read(f"/v1/campaigns/{campaign}")
    for card, expected in CARDS.items():
        assert {name: _look_up(detail, name) for name in expected} == expected, card
    assert detail["sent_at"] is not None
    lines = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    for number, expected in ROWS.items():
        line = lines[number - 1]
        assert line["id"] == number
        assert {name: line[name] for name in expected} == expected, number


@pytest.mark.parametrize("message_type", ["operational", "marketing", "newsletter"])
async def test_the_type_is_a_badge(school: SchoolClient, message_type: str) -> None:
    await school.push_users(1)
    await school.send(message_type=message_type, name="Spring fair")
    (row,) = (await school.read("/v1/campaigns"))["items"]
    assert (row["message_type"], row["display_name"]) == (message_type, "Spring fair")
