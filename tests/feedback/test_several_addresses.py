"""An event that names several addresses: each is matched on its own, and only the recipient's own counts."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from app.core.clock import now
from app.core.db import Database
from app.delivery.planning import prepare_campaign
from app.feedback.models import ParkedEvent
from app.feedback.parking import MOST_TRIES
from app.feedback.service import retry_parked
from tests.feedback.posted import LISTS, Topic, make_event, strip_tags
from tests.school import SchoolClient
from tests.unsubscribe.leaving import read_preferences

pytestmark = pytest.mark.usefixtures("empty_database")
OTHERS = "Other <user2@school.example>"
KINDS = [("Delivery", "delivered"), ("Bounce", "bounced"), ("Complaint", "complained")]
SHAPES = pytest.mark.parametrize("tagged", [True, False], ids=["published", "notification"])


def name_addresses(event: dict[str, Any], *addresses: str, tagged: bool) -> dict[str, Any]:
    """Let the mail have gone to these addresses, and the event be about them all."""
    event["mail"]["destination"] = list(addresses)
    for detail in [part for part in event.values() if isinstance(part, dict)]:
        for name in LISTS:
            if name in detail:
                first = detail[name][0]
                each = [first | {"emailAddress": a} if isinstance(first, dict) else a for a in addresses]
                detail[name] = each
    return event if tagged else strip_tags(event)


async def read_statuses(school: SchoolClient, campaign: UUID) -> list[str]:
    lines = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    return [line["delivery_status"] for line in lines]


async def read_parked(database: Database) -> list[tuple[str, int]]:
    async with database.system_transaction() as session:
        rows = await session.execute(select(ParkedEvent.reason, ParkedEvent.tries))
        return [(row.reason, row.tries) for row in rows]


@SHAPES
@pytest.mark.parametrize(("event_type", "status"), KINDS)
async def test_each_address_counts_for_its_own_recipient_alone(
    school: SchoolClient,
    database: Database,
    campaign: UUID,
    topic: Topic,
    event_type: str,
    status: str,
    *,
    tagged: bool,
) -> None:
    addresses = ('"First1, of the school" <USER1@school.example>', OTHERS)
    event = name_addresses(make_event(event_type, school, campaign), *addresses, tagged=tagged)
    await topic.publish(event, event)
    assert await read_statuses(school, campaign) == [status, "accepted", "accepted"]
    listed = (await school.read("/v1/suppressions"))["items"]
    expected = [] if status == "delivered" else [("user1@school.example", status)]
    assert [(entry["address"], entry["reason"]) for entry in listed] == expected
    assert await read_preferences(school, "u2") == ("subscribed", "subscribed")
    assert await read_parked(database) == [("names an address the mail did not go to", MOST_TRIES)]


@SHAPES
@pytest.mark.parametrize(("event_type", "status"), [*KINDS, ("Send", ""), ("Reject", ""), ("Open", "")])
async def test_another_address_alone_changes_nobody(
    school: SchoolClient,
    database: Database,
    campaign: UUID,
    topic: Topic,
    event_type: str,
    status: str,
    *,
    tagged: bool,
) -> None:
    del status
    before = await school.read(f"/v1/campaigns/{campaign}/recipients")
    await topic.publish(name_addresses(make_event(event_type, school, campaign), OTHERS, tagged=tagged))
    assert await school.read(f"/v1/campaigns/{campaign}/recipients") == before
    assert (await school.read("/v1/suppressions"))["items"] == []
    assert len(await read_parked(database)) == 1
    assert await retry_parked(database) == 0


async def test_one_that_waited_for_its_recipient_is_kept_as_well(
    school: SchoolClient, database: Database, topic: Topic
) -> None:
    await school.push_users(2)
    campaign = UUID((await school.send())["id"])
    event = make_event("Bounce", school, campaign)
    await topic.publish(name_addresses(event, "user1@school.example", OTHERS, tagged=True))
    assert [tries for _, tries in await read_parked(database)] == [0, 0]
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign)
        await session.execute(update(ParkedEvent).values(next_try_at=now()))
    assert await retry_parked(database) == 2
    assert await read_statuses(school, campaign) == ["bounced", "queued"]
    assert await read_parked(database) == [("names an address the mail did not go to", MOST_TRIES)]
