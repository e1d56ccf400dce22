"""A mailing list as an audience: counted and mailed as it is when sending starts, and fixed from then on."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.core.clock import now
from app.core.db import Database
from app.delivery import sweeps
from app.delivery.planning import prepare_campaign
from tests.audience.lists.test_lists import PATH, create
from tests.campaigns.prepared import send_prepared
from tests.delivery.campaigns import run_sql
from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")
ACTIVE = {"filter": {"kind": "active_users"}}
CHOIR = {"filter": {"kind": "group", "group": "choir"}}


async def push_people(school: SchoolClient) -> None:
    """Push four users, of whom one is in the choir."""
    await school.push_users(4)
    await school.push("groups", {"external_id": "choir", "name": "Choir"})
    await school.push("memberships", {"external_id": "m1", "group": "choir", "user": "u3"})


async def change(school: SchoolClient, saved: dict[str, Any], audience: dict[str, Any]) -> None:
    body = {"name": saved["name"], "audience": audience}
    assert (await school.http.put(f"{PATH}/{saved['id']}", json=body)).status_code == 200


async def mailed(school: SchoolClient, campaign: UUID) -> list[str]:
    page = await school.read(f"/v1/campaigns/{campaign}/recipients")
    return [each["user"] for each in page["items"]]


async def schedule(school: SchoolClient, audience: dict[str, Any]) -> UUID:
    campaign = await school.send(audience=audience, send_at=(now() + timedelta(hours=1)).isoformat())
    assert campaign["status"] == "scheduled"
    return UUID(campaign["id"])


async def start(school: SchoolClient, database: Database, campaign: UUID) -> dict[str, Any]:
    """Let a schedule's time come, prepare the campaign as a worker does, and return it."""
    await run_sql(database, "UPDATE campaigns SET scheduled_for = now() WHERE id = :id", id=campaign)
    async with database.connection() as connection:
        await sweeps.start_scheduled(connection, max_lateness_minutes=360)
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign)
    seen: dict[str, Any] = await school.read(f"/v1/campaigns/{campaign}")
    return seen


async def test_a_list_is_counted_like_its_audience(school: SchoolClient) -> None:
    await push_people(school)
    saved = await create(school, "Choir", CHOIR)
    body = {"audience": {"mailing_list_id": saved["id"]}, "message_type": "marketing"}
    answer = (await school.http.post("/v1/audiences/preview", json=body)).json()
    assert (answer["recipients"], [each["user"] for each in answer["sample"]]) == (1, ["u3"])


@pytest.mark.parametrize("theirs", [False, True])
async def test_an_unknown_list_is_refused_by_its_name(
    school: SchoolClient, other_school: SchoolClient, theirs: bool
) -> None:
    await school.push_users(1)
    unknown = (await create(other_school, "Theirs"))["id"] if theirs else str(uuid4())
    audience = {"audience": {"mailing_list_id": unknown}}
    preview = await school.http.post("/v1/audiences/preview", json=audience | {"message_type": "marketing"})
    assert set(read_faults(preview)) == {"/audience/mailing_list_id"}
    message = await school.http.post("/v1/messages", json=MESSAGE | audience)
    assert set(read_faults(message)) == {"/audience/mailing_list_id"}
    assert (await school.read("/v1/campaigns"))["items"] == []


async def test_a_campaign_already_resolved_keeps_its_people(school: SchoolClient, database: Database) -> None:
    await push_people(school)
    saved = await create(school, "Choir", CHOIR)
    campaign = await send_prepared(school, database, audience={"mailing_list_id": saved["id"]})
    before = await school.read(f"/v1/campaigns/{campaign}")
    assert before["audience"] == {"mailing_list_id": saved["id"], **CHOIR}
    await change(school, saved, ACTIVE)
    assert await mailed(school, campaign) == ["u3"]
    assert (await school.http.delete(f"{PATH}/{saved['id']}")).status_code == 204
    assert await mailed(school, campaign) == ["u3"]
    assert await school.read(f"/v1/campaigns/{campaign}") == before


async def test_a_scheduled_campaign_takes_the_list_as_it_is_then(
    school: SchoolClient, database: Database
) -> None:
    await push_people(school)
    saved = await create(school, "Choir", ACTIVE)
    campaign = await schedule(school, {"mailing_list_id": saved["id"]})
    assert (await school.read(f"/v1/campaigns/{campaign}"))["audience"] == {"mailing_list_id": saved["id"]}
    await change(school, saved, CHOIR)
    assert (await start(school, database, campaign))["status"] == "sending"
    assert await mailed(school, campaign) == ["u3"]


async def test_a_campaign_whose_list_was_removed_fails_and_says_so(
    school: SchoolClient, database: Database
) -> None:
    await push_people(school)
    saved = await create(school, "Choir", CHOIR)
    campaign = await schedule(school, {"mailing_list_id": saved["id"]})
    assert (await school.http.delete(f"{PATH}/{saved['id']}")).status_code == 204
    seen = await start(school, database, campaign)
    assert (seen["status"], seen["status_reason"]) == ("failed", "The mailing list it was for was removed.")
    assert seen["stats"]["recipients"] == 0


async def test_a_group_that_went_since_leaves_a_list_of_nobody(school: SchoolClient) -> None:
    await push_people(school)
    saved = await create(school, "Choir", CHOIR)
    assert (await school.http.delete("/v1/directory/groups/choir")).status_code == 204
    body = {"audience": {"mailing_list_id": saved["id"]}, "message_type": "marketing"}
    assert (await school.http.post("/v1/audiences/preview", json=body)).json()["recipients"] == 0
