"""A campaign to which everything has happened that can happen to one."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from app.core.db import Database
from app.recipients.facts import FactKind
from tests.campaigns.prepared import record, send_prepared
from tests.school import SchoolClient

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LINKS = "".join(f'<a href="https://school.example/{name}">{name}</a>' for name in "abc")
HTML = f"<body><p>Hi</p>{LINKS}</body>"
PEOPLE = (
    "Ann Bell",
    "ann Cole",
    "Bo Dean",
    "Cy Eads",
    "Di Ford",
    "Ed Gray",
    "Flo Hill",
    "Gus Ives",
    "Hal Jones",
)

# Number, kind, minutes after the start, details.
HAPPENINGS: tuple[tuple[int, FactKind, int, dict[str, Any]], ...] = (
    (1, FactKind.ACCEPTED, 0, {}),
    (1, FactKind.DELIVERED, 1, {}),
    (1, FactKind.OPENED, 10, {}),
    (1, FactKind.OPENED, 70, {}),
    (1, FactKind.CLICKED, 71, {"link": 1}),
    (1, FactKind.CLICKED, 90, {"link": 2}),
    (2, FactKind.ACCEPTED, 0, {}),
    (2, FactKind.DELIVERED, 2, {}),
    (2, FactKind.CLICKED, 30, {"link": 1}),
    (2, FactKind.UNSUBSCRIBED, 31, {}),
    (3, FactKind.ACCEPTED, 1, {}),
    (3, FactKind.COMPLAINED, 40, {"code": "abuse"}),
    (4, FactKind.ACCEPTED, 1, {}),
    (4, FactKind.BOUNCED, 3, {"code": "no_such_user", "diagnostic": "smtp; 550 5.1.1 user unknown"}),
    (5, FactKind.ACCEPTED, 1, {}),
    (5, FactKind.SOFT_BOUNCED, 4, {"code": "mailbox_full", "diagnostic": "smtp; 452 4.2.2 full"}),
    (6, FactKind.REFUSED, 1, {"code": "MESSAGE_REJECTED", "diagnostic": "Address is not verified."}),
    (7, FactKind.ACCEPTED, 2, {}),
    (7, FactKind.OPENED, 2, {"machine": "prefetch"}),
    (7, FactKind.CLICKED, 2, {"link": 3, "machine": "known_agent"}),
    (8, FactKind.ACCEPTED, 2, {}),
    (8, FactKind.REJECTED, 3, {"code": "bad_content"}),
)


async def make_campaign(school: SchoolClient, database: Database) -> UUID:
    """Send to nine people, let everything happen, and return the campaign."""
    await school.push(
        "users",
        *(
            {
                "external_id": f"u{number}",
                "email": f"{name.split()[0].upper()}.{name.split()[1]}@mail{number % 3}.example",
                "first_name": name.split()[0],
                "last_name": name.split()[1],
            }
            for number, name in enumerate(PEOPLE, start=1)
        ),
    )
    campaign = await send_prepared(school, database, html=HTML)
    for number, kind, minutes, details in HAPPENINGS:
        at = START + timedelta(minutes=minutes)
        # What SES answers to the call is no event of its own, so it enters no history.
        key = {"key": None} if kind in {FactKind.ACCEPTED, FactKind.REFUSED} else {}
        await record(database, school, campaign, number, kind, at=at, **details, **key)
    return campaign
