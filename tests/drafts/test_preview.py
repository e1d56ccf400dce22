"""A preview shows what somebody would get, refuses what sending would, and leaves no trace of anybody."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from app.core.db import Database
from app.core.signing import TOKEN_LENGTH
from app.delivery.jobs import Delivery
from app.recipients.models import EmailEvent
from app.simulator.client import SimulatorClient
from tests.directory.faults import read_faults
from tests.drafts.composing import ANN, post_draft, preview
from tests.school import MESSAGE, SchoolClient
from tests.waiting import eventually

PAGE = "http://campaigns.test/u/preview"
HTML = (
    '<body><p>Dear {{ first_name | "friend" }}</p>'
    '<a href="https://school.example/{{ attributes.city | "here" }}?x=1&amp;y={{ email }}">A</a>'
    '<a href="http://school.example/b" data-track="off">B</a></body>'
)
_RECENT = {"kind": "recent_accounts", "days": 3650}
EVERYTHING: dict[str, Any] = {
    "name": "Spring",
    "html": HTML,
    "text": "Dear {{ full_name }}",
    "preheader": 'Level {{ attributes.level | "one" }}',
    "from_name": "The Office",
    "reply_to": "office@school.example",
    "send_at": "2020-01-01T00:00:00Z",
    "sent_by": {"id": "7", "name": "Ann"},
    "expected_recipients": 12,
}


async def test_a_user_sees_their_own_data(school: SchoolClient) -> None:
    await school.push("users", ANN)
    shown = await preview(school, **EVERYTHING, user="ann")
    assert shown["user"] == {"external_id": "ann", "name": "Ann Bell"}
    assert (shown["from_name"], shown["from_email"], shown["reply_to"]) == (
        "The Office",
        "news@school.example",
        "office@school.example",
    )
    assert (shown["subject"], shown["preheader"]) == ("Hello Ann", "Level 3")
    assert "<p>Dear Ann</p>" in shown["html"]
    leads_to = "https://school.example/S%C3%A3o%20Paulo?x=1&y=ann%40school.example"
    assert shown["links"] == [
        {
            "number": 1,
            "url": 'https://school.example/{{ attributes.city | "here" }}?x=1&y={{ email }}',
            "leads_to": leads_to,
        }
    ]
    assert f'<a href="{leads_to.replace("&", "&amp;")}">A</a>' in shown["html"]
    assert shown["text"].startswith("Dear Ann Bell\n\n---\nRiverside School\n")


async def test_nobody_sees_the_fallbacks(school: SchoolClient) -> None:
    await school.http.patch("/v1/school", json={"reply_to": "desk@school.example"})
    shown = await preview(school, html=HTML, preheader=" ")
    assert (shown["user"], shown["subject"], shown["preheader"]) == (None, "Hello ", None)
    assert (shown["from_name"], shown["reply_to"]) == ("Riverside School", "desk@school.example")
    assert "<p>Dear friend</p>" in shown["html"]
    assert shown["links"][0]["leads_to"] == "https://school.example/here?x=1&y="


@pytest.mark.parametrize(
    "audience",
    [
        {"filter": {"kind": "active_users"}},
        {"filter": {"kind": "all_of", "filters": [{"kind": "active_users"}, _RECENT]}},
    ],
)
async def test_one_of_the_audience_is_shown(school: SchoolClient, audience: dict[str, Any]) -> None:
    at = {"registered_at": "2026-01-01T00:00:00Z"}
    await school.push(
        "users",
        {"external_id": "a", "email": "a@school.example", "marketing": "unsubscribed", **at},
        {"external_id": "b", "email": "b@school.example", "status": "inactive", **at},
        {**ANN, **at},
    )
    assert (await preview(school, audience=audience))["user"]["external_id"] == "ann"
    assert (await preview(school, audience=audience, user="b"))["user"]["external_id"] == "b"


async def test_nothing_in_it_counts(
    school: SchoolClient, public: httpx.AsyncClient, database: Database
) -> None:
    await school.push("users", ANN)
    html = '<a href="{{ unsubscribe_url }}">x</a> {{ preferences_url }} ' + HTML
    shown = await preview(school, html=html, user="ann")
    own = set(re.findall(r"http://campaigns\.test[^\s\"<)]*", shown["html"] + shown["text"]))
    assert own == {PAGE}
    assert not re.search(rf"[\w-]{{{TOKEN_LENGTH}}}", shown["html"] + shown["text"])
    page = await public.get("/u/preview")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "This was a preview" in page.text
    assert "<form" not in page.text
    assert (await public.head("/u/preview")).status_code == 200
    clicked = await public.post("/u/preview", data={"List-Unsubscribe": "One-Click"})
    assert clicked.status_code == 404
    assert (await school.read("/v1/directory/users/ann"))["marketing"] == "unset"
    async with database.system_transaction() as session:
        query = select(EmailEvent.key).where(EmailEvent.school_id == school.id)
        assert (await session.scalars(query)).all() == []
    assert (await school.read("/v1/campaigns"))["items"] == []


@pytest.mark.parametrize(("message_type", "tracked"), [("marketing", True), ("operational", False)])
@pytest.mark.usefixtures("empty_database")
async def test_sizes_are_those_of_the_mail_itself(
    school: SchoolClient,
    delivery: Delivery,
    simulator: SimulatorClient,
    message_type: str,
    *,
    tracked: bool,
) -> None:
    await school.push("users", ANN)
    changes = {
        "html": HTML,
        "preheader": "ü",
        "message_type": message_type,
        "track_opens": tracked,
        "track_clicks": tracked,
    }
    shown = await preview(school, **changes, user="ann")
    await school.send(**changes)
    await delivery.sweep()
    (mail,) = await eventually(simulator.list_mail, bool)
    assert mail.html is not None
    assert mail.text is not None
    assert shown["sizes"] == {"html": len(mail.html.encode()), "text": len(mail.text.encode())}
    assert shown["subject"] == mail.subject
    assert len(shown["links"]) == 1
    if not tracked:
        assert (shown["html"], shown["text"]) == (mail.html, mail.text)


async def test_its_author_is_warned(school: SchoolClient) -> None:
    shown = await preview(school, html='<img src="https://school.example/a.png"><p>{{ first_name }}</p>')
    codes = [warning["code"] for warning in shown["warnings"]]
    assert codes == ["no_unsubscribe_text", "missing_alt", "no_preheader", "no_fallback"]
    assert all(warning["detail"] for warning in shown["warnings"])


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"html": "<p>{{ nickname }}</p>"}, "/html"),
    ({"subject": "{{"}, "/subject"),
    ({"text": "{{ oops }}"}, "/text"),
    ({"preheader": "{{ oops }}"}, "/preheader"),
    ({"html": "<a href='https://school.example/'>x</a>" * 501}, "/html"),
    ({"message_type": "operational", "html": "{{ unsubscribe_url }}"}, "/html"),
    ({"message_type": "spam"}, "/message_type"),
    ({"reply_to": "nobody"}, "/reply_to"),
    ({"send_at": "2099-01-01T00:00:00Z"}, "/send_at"),
    ({"template": "x"}, "/template"),
    ({"user": "nobody"}, "/user"),
    ({"user": ""}, "/user"),
    ({"audience": {"filter": {"kind": "ended_enrollments"}}}, "/audience"),
    ({"audience": {"filter": {"kind": "group", "group": "choir"}}}, "/audience/filter/group"),
    ({"audience": {}}, "/audience"),
]


@pytest.mark.parametrize("path", ["preview", "test"])
async def test_what_sending_refuses_is_refused(
    school: SchoolClient, other_school: SchoolClient, path: str
) -> None:
    await other_school.push("users", ANN | {"external_id": "nobody"})
    to = {"to": ["marta@school.example"]} if path == "test" else {}
    for change, pointer in REFUSED:
        faults = read_faults(await post_draft(school, path, **change, **to))
        assert set(faults) == {pointer}, change
        assert all(faults.values()), change


async def test_faults_have_their_position(school: SchoolClient) -> None:
    faults = read_faults(await post_draft(school, "preview", html="<p>\n{{ nickname }}</p>"))
    assert "line 2, column 1" in faults["/html"]


async def test_a_list_stands_for_its_audience(school: SchoolClient) -> None:
    await school.push("users", ANN)
    saved = await school.http.post("/v1/mailing-lists", json={"name": "All", "audience": MESSAGE["audience"]})
    shown = await preview(school, audience={"mailing_list_id": saved.json()["id"]})
    assert shown["user"]["external_id"] == "ann"
    faults = read_faults(await post_draft(school, "preview", audience={"mailing_list_id": str(uuid4())}))
    assert set(faults) == {"/audience/mailing_list_id"}
