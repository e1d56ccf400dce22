"""What a campaign adds up to by link, by time and by mailbox provider."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from app.core.db import Database
from app.recipients.facts import FactKind
from app.reports import domains
from tests.campaigns.prepared import record, send_prepared
from tests.directory.faults import read_faults
from tests.reports.happenings import HTML, START, make_campaign
from tests.school import SchoolClient


async def test_links_tell_clicks_from_clickers_and_machines(school: SchoolClient, database: Database) -> None:
    campaign = await make_campaign(school, database)
    await record(database, school, campaign, 1, FactKind.CLICKED, at=START + timedelta(hours=5), link=1)
    page = await school.read(f"/v1/campaigns/{campaign}/links")
    rows = [tuple(link.values()) for link in page["items"]]
    assert list(page["items"][0]) == ["number", "url", "clicks", "unique_clickers", "machine_clicks"]
    assert rows == [
        (1, "https://school.example/a", 3, 2, 0),
        (2, "https://school.example/b", 1, 1, 0),
        (3, "https://school.example/c", 0, 0, 1),
    ]
    assert page["next_cursor"] is None


async def test_a_mail_without_links_has_none(school: SchoolClient, database: Database) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database, html="<p>Hi</p>", message_type="operational")
    assert (await school.read(f"/v1/campaigns/{campaign}/links"))["items"] == []


async def _timeline(school: SchoolClient, campaign: UUID, **query: Any) -> list[tuple[Any, ...]]:
    items = (await school.read(f"/v1/campaigns/{campaign}/timeline", **query))["items"]
    return [tuple(item.values()) for item in items]


async def test_hours_of_the_schools_clocks(school: SchoolClient, database: Database) -> None:
    campaign = await make_campaign(school, database)
    assert await _timeline(school, campaign, bucket="hour") == [
        ("2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", 7, 3, 2, 1),
        ("2026-03-01T13:00:00Z", "2026-03-01T14:00:00+01:00", 0, 0, 0, 1),
    ]
    assert await _timeline(school, campaign, bucket="day") == [
        ("2026-02-28T23:00:00Z", "2026-03-01T00:00:00+01:00", 7, 3, 2, 2)
    ]
    minutes = await _timeline(school, campaign, bucket="minute")
    assert len(minutes) == 72
    assert minutes[:3] == [
        ("2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", 2, 0, 0, 0),
        ("2026-03-01T12:01:00Z", "2026-03-01T13:01:00+01:00", 3, 1, 0, 0),
        ("2026-03-01T12:02:00Z", "2026-03-01T13:02:00+01:00", 2, 1, 0, 0),
    ]
    narrowed = await _timeline(
        school, campaign, bucket="hour", **{"from": "2026-03-01T13:00:00Z", "to": "2026-03-01T14:00:00Z"}
    )
    assert narrowed == [("2026-03-01T13:00:00Z", "2026-03-01T14:00:00+01:00", 0, 0, 0, 1)]


async def test_the_finest_that_fits_or_a_word_which_would(school: SchoolClient, database: Database) -> None:
    await school.push_users(2)
    campaign = await send_prepared(school, database, html=HTML)
    path = f"/v1/campaigns/{campaign}/timeline"
    assert (await school.read(path))["items"] == []

    async def open_after(days: int, number: int) -> None:
        at = START + timedelta(days=days)
        await record(database, school, campaign, number, FactKind.OPENED, at=at, mailed_at=START, key=None)

    await record(database, school, campaign, 1, FactKind.ACCEPTED, at=START)
    await open_after(1, 1)
    assert (await school.read(path))["bucket"] == "minute"
    await open_after(60, 2)
    timeline = await school.read(path)
    assert (timeline["bucket"], timeline["timezone"]) == ("hour", "Europe/Madrid")
    assert len(timeline["items"]) == 60 * 24 + 1
    faults = read_faults(await school.http.get(path, params={"bucket": "minute"}))
    assert faults == {"/bucket": "would make more than 2,000 buckets; `hour` fits"}
    await open_after(-3000, 2)
    faults = read_faults(await school.http.get(path, params={"bucket": "day"}))
    assert "`from` and `to`" in faults["/bucket"]
    window = {"from": "2026-03-01T11:00:00Z", "bucket": "minute"}
    items = (await school.read(path, **window))["items"]
    assert sum(item["opened"] for item in items) == 1
    assert set(read_faults(await school.http.get(path, params={"from": "today"}))) == {"/from"}
    for end in ("2026-03-01T10:00:00Z", window["from"]):
        empty = await school.http.get(path, params=window | {"to": end})
        assert read_faults(empty) == {"/to": "must be after `from`"}
    assert set(read_faults(await school.http.get(path, params={"bucket": "week"}))) == {"/bucket"}


async def test_providers_most_first_and_the_rest(
    school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await school.push(
        "users",
        *(
            {"external_id": f"{n}", "email": f"p{n}@{'BIG' if n < 4 else f'small{n}'}.example"}
            for n in range(7)
        ),
    )
    campaign = await send_prepared(school, database)
    await record(database, school, campaign, 1, FactKind.DELIVERED, at=START)
    await record(database, school, campaign, 7, FactKind.BOUNCED, at=START)
    path = f"/v1/campaigns/{campaign}/domains"
    report = await school.read(path)
    assert [(each["domain"], each["recipients"]) for each in report["items"]] == [
        ("big.example", 4),
        ("small4.example", 1),
        ("small5.example", 1),
        ("small6.example", 1),
    ]
    assert (report["items"][0]["delivered"], report["items"][3]["bounced"], report["rest"]) == (1, 1, None)
    monkeypatch.setattr(domains, "SHOWN", 2)
    report = await school.read(path)
    assert [each["domain"] for each in report["items"]] == ["big.example", "small4.example"]
    assert (report["rest"]["domains"], report["rest"]["recipients"], report["rest"]["bounced"]) == (2, 2, 1)
    assert (await school.http.delete("/v1/directory/users/4")).status_code == 204
    domain_names = [each["domain"] for each in (await school.read(path))["items"]]
    assert "small4.example" not in domain_names
