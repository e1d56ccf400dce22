"""One person's line with all that happened to their mail."""

from datetime import timedelta
from uuid import uuid4

import pytest

from app.core.db import Database
from app.recipients.facts import FactKind
from app.reports import history
from tests.campaigns.prepared import record, send_prepared
from tests.directory.faults import read_faults
from tests.reports.happenings import START, make_campaign
from tests.school import SchoolClient


async def test_what_happened_in_its_order(school: SchoolClient, database: Database) -> None:
    campaign = await make_campaign(school, database)
    path = f"/v1/campaigns/{campaign}/recipients"
    lines = (await school.read(path))["items"]
    details = [await school.read(f"{path}/{line['id']}") for line in lines]
    for line, detail in zip(lines, details, strict=True):
        assert {name: detail[name] for name in line} == line
        assert [event["at"] for event in detail["events"]] == sorted(
            event["at"] for event in detail["events"]
        )
        assert detail["events_omitted"] == 0
    kinds = [[event["kind"] for event in detail["events"]] for detail in details]
    assert kinds == [
        ["sent", "delivered", "opened", "opened", "clicked", "clicked"],
        ["sent", "delivered", "clicked", "unsubscribed"],
        ["sent", "complained"],
        ["sent", "bounced"],
        ["sent", "soft_bounced"],
        ["failed"],
        ["sent", "opened", "clicked"],
        ["sent", "failed"],
        [],
    ]


async def test_what_an_event_says(school: SchoolClient, database: Database) -> None:
    campaign = await make_campaign(school, database)
    await record(database, school, campaign, 7, FactKind.SENT, at=START + timedelta(minutes=2))
    await record(
        database, school, campaign, 7, FactKind.NOTED, at=START + timedelta(minutes=9), note="ses_open"
    )
    path = f"/v1/campaigns/{campaign}/recipients"
    _, bounce = (await school.read(f"{path}/4"))["events"]
    assert bounce == {
        "kind": "bounced",
        "at": "2026-03-01T12:03:00Z",
        "reason": "No such mailbox (hard bounce)",
        "code": "no_such_user",
        "diagnostic": "smtp; 550 5.1.1 user unknown",
        "machine": None,
        "link": None,
    }
    events = (await school.read(f"{path}/7"))["events"]
    assert [event["kind"] for event in events].count("sent") == 1
    assert events[-1]["kind"] == "ses_open"
    (click,) = (event for event in events if event["kind"] == "clicked")
    assert click["machine"] == "known_agent"
    assert click["link"] == {"number": 3, "url": "https://school.example/c"}
    (failure,) = (await school.read(f"{path}/6"))["events"]
    assert (failure["reason"], failure["diagnostic"]) == (
        "Rejected by Amazon SES",
        "Address is not verified.",
    )


async def test_who_was_erased_is_not_shown(school: SchoolClient, database: Database) -> None:
    campaign = await make_campaign(school, database)
    assert (await school.http.delete("/v1/directory/users/u5")).status_code == 204
    answer = await school.http.get(f"/v1/campaigns/{campaign}/recipients/5")
    detail = answer.json()
    assert (detail["user"], detail["name"], detail["email"], detail["diagnostic"]) == (None, "", None, None)
    assert [event["kind"] for event in detail["events"]] == ["sent", "soft_bounced"]
    assert "452" not in answer.text


async def test_a_long_history_is_cut_and_says_so(
    school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_EVENTS", 2)
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    for minute in (3, 1, 2):
        await record(database, school, campaign, 1, FactKind.OPENED, at=START + timedelta(minutes=minute))
    detail = await school.read(f"/v1/campaigns/{campaign}/recipients/1")
    opens = [event["at"] for event in detail["events"] if event["kind"] == "opened"]
    assert opens == ["2026-03-01T12:01:00Z", "2026-03-01T12:02:00Z"]
    assert detail["events_omitted"] == 1


async def test_what_is_not_there(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    path = f"/v1/campaigns/{campaign}/recipients"
    read_faults(await school.http.get(f"{path}/2"), 404)
    read_faults(await school.http.get(f"/v1/campaigns/{uuid4()}/recipients/1"), 404)
    for number in ("0", "-1", "2147483648", "one"):
        assert set(read_faults(await school.http.get(f"{path}/{number}"))) == {"/number"}
    for report in ("recipients/1", "recipients.csv", "links", "timeline", "domains"):
        read_faults(await other_school.http.get(f"/v1/campaigns/{campaign}/{report}"), 404)
