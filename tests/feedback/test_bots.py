"""SES's own opens and clicks: what it calls a bot's is one more sign about ours, whichever is heard first."""

from datetime import timedelta
from uuid import UUID

import pytest

from app.core.db import Database
from app.mail.instants import parse_instant
from app.recipients.facts import FactKind
from tests.campaigns.prepared import record
from tests.feedback.posted import Topic, make_event
from tests.school import SchoolClient

SEEN_AT = "2026-03-02T09:30:00.000Z"


@pytest.mark.parametrize(
    ("event_type", "bot", "counted"),
    [("Click", "Likely", 0), ("Click", "Unlikely", 1), ("Click", None, 1), ("Open", "Likely", 1)],
)
async def test_a_click_that_ses_calls_a_bots_tells_of_ours(
    school: SchoolClient,
    database: Database,
    campaign: UUID,
    topic: Topic,
    event_type: str,
    bot: str | None,
    counted: int,
) -> None:
    async def see(number: int) -> None:
        await topic.publish(
            make_event(event_type, school, campaign, number, timestamp=SEEN_AT, isBotEvent=bot)
        )

    async def click(number: int) -> None:
        at = parse_instant(SEEN_AT) + timedelta(seconds=1)
        await record(database, school, campaign, number, FactKind.CLICKED, at=at, link=1)

    await click(1)
    await see(1)
    await see(2)
    await click(2)
    stats = (await school.read(f"/v1/campaigns/{campaign}"))["stats"]
    assert (stats["clicks"], stats["machine_clicked"]) == (2 * counted, 2 - 2 * counted)
    assert stats["opened"] == stats["opened_by_click"] == 2 * counted  # a machine's click is no open
