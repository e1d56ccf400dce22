"""RFC 8058: one POST unsubscribes, at once and for the address; looking changes nothing."""

import asyncio

import httpx
import pytest

from app.core.config import Settings
from app.core.db import Database
from tests.campaigns.prepared import send_prepared
from tests.directory.faults import read_faults
from tests.school import SchoolClient
from tests.unsubscribe.leaving import (
    ONE_CLICK,
    count_reached,
    count_unsubscribed,
    make_link,
    read_history,
    read_preferences,
)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("page", ["", "/preferences"])
async def test_looking_changes_nothing(
    school: SchoolClient,
    database: Database,
    settings: Settings,
    public: httpx.AsyncClient,
    method: str,
    page: str,
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    for _ in range(2):
        answer = await public.request(method, make_link(settings, school, campaign) + page, params=ONE_CLICK)
        assert answer.status_code == 200
    assert await count_reached(school) == 1
    assert await count_unsubscribed(school, campaign) == 0
    assert await read_history(database, school) == []


@pytest.mark.parametrize("multipart", [False, True])
async def test_one_post_unsubscribes_at_once(
    school: SchoolClient,
    database: Database,
    settings: Settings,
    public: httpx.AsyncClient,
    *,
    multipart: bool,
) -> None:
    await school.push_users(3, marketing="subscribed")
    campaign = await send_prepared(school, database)
    link = make_link(settings, school, campaign, 2)
    if multipart:
        answer = await public.post(link, files={"List-Unsubscribe": (None, "One-Click")})
    else:
        answer = await public.post(link, data=ONE_CLICK)
    assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (2, 3)
    assert await read_preferences(school, "u2") == ("unsubscribed", "unset")
    assert await count_unsubscribed(school, campaign) == 1
    lines = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    assert [line["unsubscribed"] for line in lines] == [False, True, False]
    assert (await read_history(database, school))[3:] == [
        ("marketing", "unsubscribed", "one-click", campaign)
    ]


async def test_repeating_it_changes_nothing_more(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    link = make_link(settings, school, campaign)
    answers = await asyncio.gather(*(public.post(link, data=ONE_CLICK) for _ in range(5)))
    answers.append(await public.post(link, data=ONE_CLICK))
    assert {answer.status_code for answer in answers} == {200}
    assert await count_unsubscribed(school, campaign) == 1
    assert len(await read_history(database, school)) == 1


async def test_it_holds_for_everyone_with_the_address_now_and_later(
    school: SchoolClient,
    other_school: SchoolClient,
    database: Database,
    settings: Settings,
    public: httpx.AsyncClient,
) -> None:
    for each in (school, other_school):
        await each.push_users(1, marketing="subscribed")
        await each.push("users", {"external_id": "kid", "email": "USER1@School.Example"})
    campaign = await send_prepared(school, database)
    await public.post(make_link(settings, school, campaign), data=ONE_CLICK)
    late = {"external_id": "late", "email": "User1@school.example", "marketing": "subscribed"}
    assert (await school.push("users", late))["preferences_kept"] == 1
    for user in ("u1", "kid", "late"):
        assert (await read_preferences(school, user))[0] == "unsubscribed"
    assert await count_reached(school) == 0
    assert await count_reached(other_school) == 1


async def test_a_newsletters_link_is_about_newsletters(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database, message_type="newsletter")
    await public.post(make_link(settings, school, campaign), data=ONE_CLICK)
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (1, 0)


async def test_operational_mail_has_nothing_to_leave(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database, message_type="operational")
    answer = await public.post(make_link(settings, school, campaign), data=ONE_CLICK)
    assert answer.status_code == 404
    assert await read_history(database, school) == []
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (1, 1)
    assert (await public.get(make_link(settings, school, campaign))).status_code == 200


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"List-Unsubscribe=no", "application/x-www-form-urlencoded"),
        (b"action=delete", "application/x-www-form-urlencoded"),
        (b'{"List-Unsubscribe": "One-Click"}', "application/json"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"--x", "multipart/form-data"),
        (b"\xff\xfe", "application/x-www-form-urlencoded"),
    ],
)
async def test_another_body_is_refused(
    school: SchoolClient,
    database: Database,
    settings: Settings,
    public: httpx.AsyncClient,
    content: bytes,
    kind: str,
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    link = make_link(settings, school, campaign)
    read_faults(await public.post(link, content=content, headers={"Content-Type": kind}), 400)
    assert await count_reached(school) == 1
