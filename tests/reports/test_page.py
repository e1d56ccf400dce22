"""The report as a page: every figure is the API's, nothing on it runs, and it works for any campaign."""

from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app.core.db import Database
from app.recipients.facts import FactKind
from tests.campaigns.prepared import record, send_prepared
from tests.directory.faults import read_faults
from tests.school import SchoolClient

SENT_AT = datetime(2026, 10, 24, 22, 30, tzinfo=UTC)  # the night on which clocks in Madrid go back
HTML = '<body><a href="https://school.example/a">A</a><a href="https://school.example/b?c=1&amp;d=2">B</a></body>'


class Page(HTMLParser):
    """The page's figures by their names, its text, and all its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.figures: dict[str, str] = {}
        self.failures: list[tuple[str, int]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the element, and the figure that it holds."""
        named = dict(attrs)
        self.elements.append((tag, named))
        if tag == "data":
            value = named["value"] or ""
            if name := named.get("id"):
                assert name not in self.figures
                self.figures[name] = value
            else:
                self.failures.append(((named["class"] or "").removeprefix("failure-"), int(value)))

    def handle_data(self, data: str) -> None:
        """Keep the words."""
        self.words += data.split()

    @property
    def text(self) -> str:
        """All words."""
        return " ".join(self.words)


async def read_page(school: SchoolClient, campaign: UUID | str) -> Page:
    answer = await school.http.get(f"/v1/campaigns/{campaign}/report.html")
    assert answer.status_code == 200, answer.text
    return Page(answer.text)


async def make_story(school: SchoolClient, database: Database, **changes: Any) -> UUID:
    """Send to eight people at three providers; much becomes of it, in four hours."""
    people = [
        {"external_id": f"u{n}", "email": f"u{n}@{('a.example', 'b.example', 'c.example')[n % 3]}"}
        for n in range(1, 9)
    ]
    await school.push("users", *people, {"external_id": "x", "email": "U1@B.example"})
    campaign = await send_prepared(school, database, html=HTML, **changes)

    async def happen(number: int, kind: FactKind, minutes: int, **details: Any) -> None:
        at = SENT_AT + timedelta(minutes=minutes)
        await record(database, school, campaign, number, kind, at=at, **details)

    for number in range(1, 8):
        await happen(number, FactKind.ACCEPTED, 0, message_id=f"m{number}")
    await happen(8, FactKind.REFUSED, 0, code="MESSAGE_REJECTED")
    for number in (1, 2, 3, 4):
        await happen(number, FactKind.DELIVERED, 1)
    await happen(4, FactKind.COMPLAINED, 100, code="abuse")
    await happen(5, FactKind.BOUNCED, 1, code="no_such_user")
    await happen(6, FactKind.SOFT_BOUNCED, 2, code="mailbox_full")
    await happen(1, FactKind.OPENED, 125)
    await happen(1, FactKind.OPENED, 170)
    await happen(1, FactKind.CLICKED, 126, link=1)
    await happen(2, FactKind.CLICKED, 185, link=2)
    await happen(3, FactKind.OPENED, 1, machine="proxy")
    await happen(3, FactKind.CLICKED, 1, link=1, machine="scanner")
    return campaign


async def test_every_figure_is_the_apis(school: SchoolClient, database: Database) -> None:
    campaign = await make_story(school, database)
    page, path = await read_page(school, campaign), f"/v1/campaigns/{campaign}"
    stats = (await school.read(path))["stats"]
    assert (stats["opened"], stats["clicked"], stats["bounced"], stats["failed"]) == (2, 2, 2, 1)
    excluded = {f"excluded-{reason}": n for reason, n in stats.pop("excluded").items() if n}
    assert excluded == {"excluded-duplicate_address": 1}
    hidden = {name for name in ("queued", "sending", "unknown") if not stats[name]}
    expected = {name: str(n) for name, n in (stats | excluded).items() if name not in hidden}
    for link in (await school.read(f"{path}/links"))["items"]:
        expected |= {
            f"link-{link['number']}-people": str(link["unique_clickers"]),
            f"link-{link['number']}-clicks": str(link["clicks"]),
            f"link-{link['number']}-machines": str(link["machine_clicks"]),
        }
    for place, provider in enumerate((await school.read(f"{path}/domains"))["items"], 1):
        assert provider.pop("domain") in page.text
        expected |= {f"provider-{place}-{name}": str(n) for name, n in provider.items()}
    buckets = (await school.read(f"{path}/timeline"))["items"]
    for name in ("sent", "delivered", "opened", "clicked"):
        assert sum(each[name] for each in buckets) == stats[name]
        expected[f"timeline-{name}"] = str(stats[name])
    assert page.figures == expected
    assert page.failures == [("bounced", 1), ("soft_bounced", 1), ("failed", 1), ("complained", 1)]
    rows = (await school.read(f"{path}/recipients"))["items"]
    reasons = {
        row["delivery_reason"] for row in rows if row["delivery_status"] not in ("accepted", "delivered")
    }
    assert len(reasons) == 4
    assert all(reason in page.text for reason in reasons)


async def test_it_says_what_it_is_about(school: SchoolClient, database: Database) -> None:
    campaign = await make_story(
        school, database, name="Autumn", subject="Dates", sent_by={"id": "7", "name": "Ana Ruiz"}
    )
    async with database.system_transaction() as session:
        await session.execute(
            text("UPDATE campaigns SET sent_at = :at WHERE id = :id"), {"at": SENT_AT, "id": campaign}
        )
    page = await read_page(school, campaign)
    for words in (
        "Autumn – campaign report – Riverside School",
        "Subject Dates",
        "Type Marketing",
        "Status Sending",
        "Sent 25 October 2026, 00:30 CEST",
        "Sent by Ana Ruiz",
        "Audience People whose account is active",
        # 02:35 comes twice in that night.
        "25 October 2026, 02:35 CEST",
        "25 October 2026, 02:35 CET",
        "Machines are counted apart",
        "times are those of Europe/Madrid",
    ):
        assert words in page.text, words
    # It is to be handed around: no recipient is named.
    assert "@a.example" not in page.text


async def test_nothing_on_it_runs_or_is_loaded(school: SchoolClient, database: Database) -> None:
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    campaign = await send_after_push(school, database, name=evil, subject=evil)
    answer = await school.http.get(f"/v1/campaigns/{campaign}/report.html")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'nonce-")
    assert "script-src" not in policy
    assert answer.headers["cache-control"] == "no-store, private"
    assert answer.headers["x-content-type-options"] == "nosniff"
    page = Page(answer.text)
    assert evil.split('"', maxsplit=1)[0] in page.text
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "img", "link", "iframe", "object", "form", "a", "base"}
    for _, attributes in page.elements:
        assert not {"src", "href", "style", "action"} & set(attributes)
        assert not any(name.startswith("on") for name in attributes)
    assert "url(" not in answer.text
    assert "@import" not in answer.text


async def send_after_push(school: SchoolClient, database: Database, **changes: Any) -> UUID:
    await school.push_users(1)
    return await send_prepared(school, database, **changes)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ('Sommer/Kurse: "Früh"\\..', "Sommer Kurse Früh"),
        ("دورات الصيف", "دورات الصيف"),
        ("夏季课程", "夏季课程"),
        (None, "Untitled"),
    ],
)
async def test_it_is_saved_under_its_own_name_in_any_script(
    school: SchoolClient, database: Database, name: str | None, file: str
) -> None:
    campaign = await send_after_push(school, database, **({"name": name} if name else {}))
    answer = await school.http.get(f"/v1/campaigns/{campaign}/report.html")
    how, plain, full = answer.headers["content-disposition"].split("; ")
    assert how == "inline"
    assert plain.startswith('filename="campaign-report-20')
    assert unquote(full.removeprefix("filename*=UTF-8''")).rsplit(" ", 1)[0] == file
    assert (name or "Untitled") in Page(answer.text).text
    assert '<h1 dir="auto">' in answer.text


async def test_a_campaign_of_which_nothing_is_known_yet_has_a_report(school: SchoolClient) -> None:
    await school.push_users(1)
    scheduled = await school.send(send_at="2027-01-07T09:00:00Z", html="<p>Hi</p>")
    page = await read_page(school, scheduled["id"])
    for words in (
        "Status Scheduled",
        "Scheduled for 7 January 2027, 10:00 CET",
        "Nothing has happened yet.",
        "Nobody was mailed.",
        "No link of the message is counted.",
    ):
        assert words in page.text, words
    assert (page.figures["recipients"], page.figures["open_rate"]) == ("0", "")


async def test_it_is_the_schools_own(school: SchoolClient, other_school: SchoolClient) -> None:
    await school.push_users(1)
    campaign = (await school.send())["id"]
    read_faults(await other_school.http.get(f"/v1/campaigns/{campaign}/report.html"), 404)
    read_faults(await school.http.get(f"/v1/campaigns/{uuid4()}/report.html"), 404)
    read_faults(
        await school.http.get(f"/v1/campaigns/{campaign}/report.html", headers={"Authorization": "x"}), 401
    )
