"""The export of a person: every room's share of what is held, for those who may read both."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.recipients.facts import FactKind
from app.schools.keys import create_key
from app.schools.scopes import Scope
from tests.campaigns.prepared import record, send_prepared
from tests.delivery.campaigns import run_sql
from tests.directory.belongings import OWN, PERSON, push_person
from tests.directory.faults import read_faults
from tests.feedback.posted import Topic, make_event
from tests.school import SchoolClient

USER = f"/v1/directory/users/{PERSON['external_id']}"
EXPORT = f"{USER}/export"


async def test_an_export_of_a_quiet_person_is_their_record(school: SchoolClient) -> None:
    await school.push("users", PERSON)
    answer = await school.http.get(EXPORT)
    assert answer.headers["content-disposition"] == 'attachment; filename="user.json"'
    assert answer.headers["content-type"] == "application/json"
    export = answer.json()
    history = export.pop("preference_history")
    assert [(each["message_type"], each["preference"], each["source"]) for each in history] == [
        ("marketing", "subscribed", "sync")
    ]
    assert export.pop("exported_at").endswith("Z")
    assert export == {
        "user": await school.read(USER),
        "records": {resource: [] for resource, _ in OWN},
        "unsubscriptions": [],
        "suppression": None,
        "suppression_removed_at": None,
        "mail": {"campaigns": [], "exclusions": [], "unplaced_events": []},
    }


async def test_every_record_of_theirs_is_there_and_nobody_elses(school: SchoolClient) -> None:
    await push_person(school)
    await school.push("users", {"external_id": "other", "email": "other@school.example"})
    for resource, own in OWN:
        await school.push(resource, own | {"external_id": "theirs", "user": "other"})
    records = (await school.read(EXPORT))["records"]
    assert records == {
        resource: [await school.read(f"/v1/directory/{resource}/{own['external_id']}")]
        for resource, own in OWN
    }


async def test_every_campaign_is_there_with_its_events(
    school: SchoolClient,
    database: Database,
    topic: Topic,
) -> None:
    await school.push("users", PERSON, {"external_id": "other", "email": "other@school.example"})
    html = "<p>{{ attributes.city }}</p>"
    mailed = await send_prepared(school, database, html=html, subject="First")
    number = 2  # by external id: `other` comes first
    await record(database, school, mailed, number, FactKind.ACCEPTED, message_id="m-1")
    await record(database, school, mailed, number, FactKind.OPENED, machine="prefetch")
    await record(
        database, school, mailed, number, FactKind.COMPLAINED, code="abuse", diagnostic="Yahoo!-Mail-Feedback"
    )
    await record(database, school, mailed, 1, FactKind.OPENED)
    await school.push("users", PERSON | {"marketing": "unsubscribed"})
    await send_prepared(school, database, subject="Second")
    stray = make_event("Delivery", school, uuid4(), recipients=[PERSON["email"].lower()])
    others = make_event("Delivery", school, uuid4(), recipients=["other@school.example"])
    await topic.publish(stray, others)
    mail = (await school.read(EXPORT))["mail"]
    (campaign,) = mail["campaigns"]
    assert campaign["campaign_id"] == str(mailed)
    assert (campaign["subject"], campaign["email"]) == ("First", PERSON["email"])
    assert campaign["attributes"] == {"city": "Ziguinchor"}
    assert (campaign["status"], campaign["message_id"]) == ("complained", "m-1")
    assert [(event["kind"], event["machine"], event["diagnostic"]) for event in campaign["events"]] == [
        ("accepted", None, None),
        ("open", "prefetch", None),
        ("complaint", None, "Yahoo!-Mail-Feedback"),
    ]
    (exclusion,) = mail["exclusions"]
    assert (exclusion["subject"], exclusion["reason"]) == ("Second", "unsubscribed")
    assert mail["unplaced_events"] == [stray]


async def test_consent_and_suppression_are_there(school: SchoolClient, database: Database) -> None:
    await school.push("users", PERSON)
    await run_sql(
        database,
        "INSERT INTO suppressions (school_id, address_key, email, reason, origin)"
        " SELECT school_id, address_key, email, 'complaint', 'ses' FROM users WHERE school_id = :school",
        school=school.id,
    )
    await run_sql(
        database,
        "INSERT INTO unsubscriptions (school_id, address_key, message_type, since, source)"
        " SELECT school_id, address_key, 'newsletter', now(), 'one-click' FROM users"
        " WHERE school_id = :school",
        school=school.id,
    )
    export = await school.read(EXPORT)
    (left,) = export["unsubscriptions"]
    assert (left["message_type"], left["source"]) == ("newsletter", "one-click")
    assert (export["suppression"]["email"], export["suppression"]["reason"]) == (PERSON["email"], "complaint")


async def test_another_schools_person_is_not_there(school: SchoolClient, other_school: SchoolClient) -> None:
    await push_person(school)
    read_faults(await other_school.http.get(EXPORT), 404)
    await other_school.push("users", PERSON)
    assert (await other_school.read(EXPORT))["records"]["memberships"] == []


async def test_an_id_with_a_slash_has_an_export_too(school: SchoolClient) -> None:
    await school.push("users", PERSON | {"external_id": "a/b"})
    assert (await school.read("/v1/directory/users/a%2Fb/export"))["user"]["external_id"] == "a/b"
    assert (await school.read("/v1/directory/users/a%2Fb"))["external_id"] == "a/b"


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        ((Scope.DIRECTORY_READ, Scope.CAMPAIGNS_READ), 200),
        ((Scope.DIRECTORY_READ,), 403),
        ((Scope.CAMPAIGNS_READ,), 403),
        ((Scope.DIRECTORY_WRITE, Scope.MESSAGES_SEND), 403),
    ],
)
async def test_it_takes_leave_to_read_the_directory_and_the_campaigns(
    app: FastAPI, school: SchoolClient, database: Database, scopes: tuple[Scope, ...], status: int
) -> None:
    await school.push("users", PERSON)
    async with database.system_transaction() as session:
        _, key = await create_key(session, school_id=school.id, name="Limited", scopes=scopes)
    headers: dict[str, Any] = {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://campaigns.test") as http:
        assert (await http.get(EXPORT, headers=headers)).status_code == status
