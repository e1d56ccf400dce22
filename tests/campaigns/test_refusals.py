"""`POST /v1/messages` refuses what cannot be sent: each limit with its pointer, and nothing is recorded."""

import json
from datetime import timedelta
from typing import Any

import pytest

from app.core.clock import now
from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient

ROW = "<p>x</p>\n"


@pytest.fixture(autouse=True)
async def people(school: SchoolClient) -> None:
    """Somebody to write to, so that nothing but the fault stands in the way."""
    await school.push_users(2)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"message_type": "spam"}, "/message_type"),
        ({"subject": ""}, "/subject"),
        ({"subject": "   "}, "/subject"),
        ({"subject": "x" * 251}, "/subject"),
        ({"subject": "one\ntwo"}, "/subject"),
        ({"subject": "one\rtwo"}, "/subject"),
        ({"subject": "one\u2028two"}, "/subject"),
        ({"subject": "nul\x00"}, "/subject"),
        ({"subject": "half \ud800"}, "/subject"),
        ({"subject": "{{ nickname }}"}, "/subject"),
        ({"subject": 7}, "/subject"),
        ({"html": ""}, "/html"),
        ({"html": "<p>{{ nickname }}</p>"}, "/html"),
        ({"html": "<p>{{ </p>"}, "/html"),
        ({"html": "x" * (400 * 1024 + 1)}, "/html"),
        ({"html": ROW * (400 * 1024 // len(ROW))}, "/html"),
        ({"html": "<a href='https://school.example/'>x</a>" * 501}, "/html"),
        ({"text": "{{ nickname }}"}, "/text"),
        ({"text": "x" * (400 * 1024 + 1)}, "/text"),
        ({"preheader": "x" * 501}, "/preheader"),
        ({"preheader": "{{ nickname }}"}, "/preheader"),
        ({"message_type": "operational", "html": "<a href='{{ unsubscribe_url }}'>x</a>"}, "/html"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 256}, "/name"),
        ({"from_name": "a\r\nBcc: b@c.example"}, "/from_name"),
        ({"from_name": ""}, "/from_name"),
        ({"reply_to": "nobody"}, "/reply_to"),
        ({"reply_to": "a@b.example\r\nBcc: c@d.example"}, "/reply_to"),
        ({"audience": {"filter": {"kind": "everybody"}}}, "/audience/filter"),
        ({"audience": {"filter": {"kind": "ended_enrollments"}}}, "/audience"),
        ({"send_at": "tomorrow"}, "/send_at"),
        ({"send_at": "2026-12-01T10:00:00"}, "/send_at"),
        ({"sent_by": {"id": "", "name": "Ann"}}, "/sent_by/id"),
        ({"sent_by": {"id": "7", "name": "a\nb"}}, "/sent_by/name"),
        ({"sent_by": {"id": "7"}}, "/sent_by/name"),
        ({"sent_by": {"id": "7", "name": "Ann", "email": "a@b.example"}}, "/sent_by/email"),
        ({"track_opens": "maybe"}, "/track_opens"),
        ({"expected_recipients": -1}, "/expected_recipients"),
        ({"template": "x"}, "/template"),
    ],
)
async def test_each_limit_is_named(school: SchoolClient, change: dict[str, Any], pointer: str) -> None:
    answer = await school.http.post(
        "/v1/messages", content=json.dumps(MESSAGE | change), headers={"Content-Type": "application/json"}
    )
    faults = read_faults(answer)
    assert set(faults) == {pointer}
    assert all(0 < len(detail) < 300 for detail in faults.values())
    assert (await school.read("/v1/campaigns"))["items"] == []


@pytest.mark.parametrize("field", ["message_type", "subject", "html", "audience"])
async def test_what_must_be_given(school: SchoolClient, field: str) -> None:
    body = {name: value for name, value in MESSAGE.items() if name != field}
    assert set(read_faults(await school.http.post("/v1/messages", json=body))) == {f"/{field}"}


async def test_several_faults_are_named_at_once(school: SchoolClient) -> None:
    body = MESSAGE | {"subject": "{{ nickname }}", "html": "<p>{{ oops }}</p>", "text": "{{"}
    faults = read_faults(await school.http.post("/v1/messages", json=body))
    assert set(faults) == {"/subject", "/html", "/text"}
    assert "nickname" in faults["/subject"]
    assert "line 1, column 4" in faults["/html"]


async def test_the_largest_message_is_taken(school: SchoolClient) -> None:
    html = "<a href='https://school.example/'>x</a>" * 500
    await school.send(subject="x" * 250, html=html, text="x" * 200_000)


@pytest.mark.parametrize(("ahead", "status"), [(timedelta(days=364), 202), (timedelta(days=367), 422)])
async def test_a_message_waits_at_most_a_year(school: SchoolClient, ahead: timedelta, status: int) -> None:
    body = MESSAGE | {"send_at": (now() + ahead).isoformat()}
    answer = await school.http.post("/v1/messages", json=body)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert set(read_faults(answer)) == {"/send_at"}


@pytest.mark.parametrize(
    ("people", "expected", "accepted"),
    [
        (2, 2, True),
        (2, 7, True),  # five people are never too many
        (2, 8, False),
        (2, 0, True),
        (100, 95, True),
        (100, 94, False),  # six people, and more than 5 % of 94
        (100, 105, True),
        (100, 106, False),  # six people, and more than 5 % of 106
        (126, 120, True),  # six people, just 5 % of 120
    ],
)
async def test_preview_equals_send(
    school: SchoolClient, people: int, expected: int, *, accepted: bool
) -> None:
    await school.push_users(people)
    answer = await school.http.post("/v1/messages", json=MESSAGE | {"expected_recipients": expected})
    if accepted:
        assert answer.status_code == 202, answer.text
        return
    read_faults(answer, 409)
    assert (answer.json()["expected_recipients"], answer.json()["recipients"]) == (expected, people)
    assert (await school.read("/v1/campaigns"))["items"] == []


async def test_an_audience_all_of_whom_are_left_out_is_nobody(school: SchoolClient) -> None:
    await school.push_users(2, marketing="unsubscribed")
    assert set(read_faults(await school.http.post("/v1/messages", json=MESSAGE))) == {"/audience"}
    await school.send(message_type="operational")
