"""Erasing a person: no trace in any table, no number changed, nobody else touched, and no mail any more."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.directory.erasure import hold_erasures
from app.feedback.parking import MOST_TRIES
from app.recipients.facts import FactKind
from app.tables import metadata
from tests.campaigns.prepared import record, send_prepared
from tests.delivery.campaigns import claim_some, open_campaign, read_campaign, run_sql
from tests.directory.belongings import OWN, PERSON, TELLTALE, push_person
from tests.directory.faults import read_faults
from tests.feedback.posted import Topic, make_event, strip_tags
from tests.school import SchoolClient
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")
USER = f"/v1/directory/users/{PERSON['external_id']}"
WORDS = "smtp; 550 5.1.1 <quillon.zorbatt@wexler.example>: Quillon is not here"


async def find_traces(database: Database) -> set[str]:
    """Return the tables in which any of the telltale words stands, in any row of any school."""
    found = set()
    for table in metadata.tables:
        rows = await run_sql(
            database,
            f"SELECT count(*) FROM {table} t WHERE lower(t::text) ~ :words",  # noqa: S608  # our own tables
            words="|".join(TELLTALE),
        )
        if rows[0][0]:
            found.add(table)
    return found


async def erase(school: SchoolClient, path: str = USER) -> None:
    answer = await school.http.delete(path)
    assert answer.status_code == 204, answer.text


async def live_a_little(school: SchoolClient, database: Database, topic: Topic) -> UUID:
    """Let the person leave a trace wherever there can be one; return a campaign they were mailed by."""
    await push_person(school)
    mailed = await send_prepared(school, database, html="<p>{{ first_name }} of {{ attributes.city }}</p>")
    await record(database, school, mailed, 1, FactKind.BOUNCED, code="no_such_user", diagnostic=WORDS)
    await run_sql(
        database,
        "INSERT INTO suppressions (school_id, address_key, email, reason, origin)"
        " SELECT school_id, address_key, email, 'bounce', 'ses' FROM users",
    )
    await school.push("users", PERSON | {"marketing": "unsubscribed"})
    await school.push("users", {"external_id": "other", "email": "other@school.example"})
    await send_prepared(school, database)
    stray = make_event("Delivery", school, uuid4(), recipients=[PERSON["email"]])
    await topic.publish(stray)
    return mailed


async def test_no_table_keeps_a_trace_and_no_number_changes(
    school: SchoolClient,
    database: Database,
    topic: Topic,
) -> None:
    campaign = await live_a_little(school, database, topic)
    owned = {resource for resource, _ in OWN}
    assert await find_traces(database) == owned | {
        "users",
        "recipients",
        "recipient_outcomes",
        "exclusions",
        "email_events",
        "suppressions",
        "parked_events",
    }
    before = await school.read("/v1/campaigns")
    await erase(school)
    assert await find_traces(database) == set()
    assert await school.read("/v1/campaigns") == before
    (line,) = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    assert (line["user"], line["name"], line["email"], line["diagnostic"]) == (None, "", None, None)
    assert (line["delivery_status"], line["delivery_reason"]) == ("bounced", "No such mailbox (hard bounce)")
    read_faults(await school.http.get(USER), 404)
    read_faults(await school.http.delete(USER), 404)


async def test_what_is_heard_of_them_later_is_counted_without_words(
    school: SchoolClient, database: Database
) -> None:
    await push_person(school)
    campaign = await send_prepared(school, database)
    await record(database, school, campaign, 1, FactKind.ACCEPTED)
    await erase(school)
    await record(database, school, campaign, 1, FactKind.BOUNCED, code="no_such_user", diagnostic=WORDS)
    assert await find_traces(database) == set()
    assert (await school.read(f"/v1/campaigns/{campaign}"))["stats"]["bounced_permanent"] == 1


async def test_an_address_that_left_or_bounced_stays_barred(school: SchoolClient, database: Database) -> None:
    await school.push("users", PERSON | {"marketing": "unsubscribed"})
    await run_sql(
        database,
        "INSERT INTO unsubscriptions (school_id, address_key, message_type, since, source)"
        " SELECT school_id, address_key, 'marketing', now(), 'page' FROM users",
    )
    await run_sql(
        database,
        "INSERT INTO suppressions (school_id, address_key, email, reason, origin)"
        " SELECT school_id, address_key, email, 'bounce', 'ses' FROM users",
    )
    await erase(school)
    pushed = await school.push("users", PERSON | {"external_id": "back"})
    assert pushed["preferences_kept"] == 1
    assert await judge_everybody(school) == {"recipients": 0, "suppressed": 1}


async def judge_everybody(school: SchoolClient) -> dict[str, int]:
    """Count the active users for an operational message: those to be mailed, and those left out."""
    body = {"audience": {"filter": {"kind": "active_users"}}, "message_type": "operational"}
    answer = (await school.http.post("/v1/audiences/preview", json=body)).json()
    return {"recipients": answer["recipients"]} | {k: n for k, n in answer["excluded"].items() if n}


async def test_a_sibling_with_the_same_address_keeps_theirs(school: SchoolClient, database: Database) -> None:
    await push_person(school)
    await school.push("users", {"external_id": "sibling", "email": PERSON["email"].upper()})
    assert await judge_everybody(school) == {"recipients": 1, "duplicate_address": 1}
    await run_sql(
        database,
        "INSERT INTO suppressions (school_id, address_key, email, reason, origin)"
        " SELECT DISTINCT school_id, address_key, 'QUILLON', 'bounce', 'ses' FROM users",
    )
    await erase(school)
    assert await find_traces(database) == {"users", "suppressions"}
    assert await run_sql(database, "SELECT external_id, shares_address FROM users") == [("sibling", False)]
    assert (await school.read("/v1/directory/users/sibling"))["email"] == PERSON["email"].upper()
    await erase(school, "/v1/directory/users/sibling")
    assert await find_traces(database) == set()


async def test_former_addresses_are_erased_too(
    school: SchoolClient,
    database: Database,
    topic: Topic,
) -> None:
    campaign = await live_a_little(school, database, topic)
    await school.push("users", PERSON | {"email": "moved@else.example"})
    assert "suppressions" in await find_traces(database)
    await erase(school)
    assert await find_traces(database) == set()
    assert (await school.read(f"/v1/campaigns/{campaign}"))["stats"]["recipients"] == 1


async def test_who_is_still_queued_is_not_mailed(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 3)
    await erase(school, "/v1/directory/users/u2")
    claimed = await claim_some(database, turn)
    assert [addressee.number for addressee in claimed.addressees] == [1, 3]
    stats = (await read_campaign(school, turn))["stats"]
    assert (stats["recipients"], stats["sending"], stats["excluded"]["erased"]) == (2, 2, 1)
    (left_out,) = (await school.read(f"/v1/campaigns/{turn.campaign_id}/exclusions"))["items"]
    assert left_out == {"user": None, "name": "", "email": None, "reason": "erased"}


async def test_a_campaign_frozen_meanwhile_brings_nobody_back(
    school: SchoolClient, database: Database
) -> None:
    await push_person(school)
    async with database.system_transaction() as freezing:
        await hold_erasures(freezing, school_id=school.id)
        erasing = asyncio.create_task(school.http.delete(USER))
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await eventually(lambda: run_sql(database, waiting), lambda rows: rows[0][0] == 1)
        await freezing.execute(
            text(
                'INSERT INTO recipients (school_id, campaign_id, number, "user", email, address_key,'
                " first_name, last_name, attributes) SELECT school_id, :campaign, 1, external_id, email,"
                " address_key, first_name, last_name, attributes FROM users"
            ),
            {"campaign": UUID(int=9)},
        )
    assert (await erasing).status_code == 204
    assert await find_traces(database) == set()


async def test_another_school_is_never_touched(
    school: SchoolClient,
    other_school: SchoolClient,
    database: Database,
    topic: Topic,
) -> None:
    await push_person(school)
    await live_a_little(other_school, database, topic)
    export = await other_school.read(f"{USER}/export")
    before = await find_traces(database)  # the audit trail's own among them: that it was exported
    await erase(school)
    assert await find_traces(database) == before
    assert without_instant(await other_school.read(f"{USER}/export")) == without_instant(export)
    read_faults(await school.http.delete(USER), 404)


def without_instant(export: dict[str, Any]) -> dict[str, Any]:
    return export | {"exported_at": None}


@pytest.mark.parametrize("given_up", [False, True])
async def test_an_event_of_nobody_goes_once_it_was_given_up(
    school: SchoolClient,
    database: Database,
    topic: Topic,
    given_up: bool,
) -> None:
    await push_person(school)
    ours = make_event("Delivery", school, uuid4(), recipients=[PERSON["email"]])
    longer = make_event("Delivery", school, uuid4(), recipients=[f"mc{PERSON['email']}"])
    await topic.publish(strip_tags(ours), longer)
    if given_up:
        await run_sql(database, "UPDATE parked_events SET tries = :tries", tries=MOST_TRIES)
    await erase(school)
    assert await run_sql(database, "SELECT count(*) FROM parked_events") == [(1 if given_up else 2,)]


async def test_who_may_not_write_the_directory_erases_nobody(school: SchoolClient) -> None:
    assert (await school.http.delete("/v1/directory/users/nobody")).status_code == 404
    assert (await school.http.delete(f"/v1/directory/users/{'x' * 256}")).status_code == 422
