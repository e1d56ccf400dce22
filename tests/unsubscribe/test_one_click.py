"""RFC 8058: one POST unsubscribes, at once and for the address; looking changes nothing."""

import asyncio
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from app.core.config import Settings
from app.core.db import Database
from app.core.signing import RecipientRef
from app.delivery.fairness import Turn
from app.recipients.models import EmailEvent
from app.unsubscribe.forms import MOST_BYTES
from app.unsubscribe.service import find_subscriber, make_wish, make_wishes
from tests.campaigns.prepared import send_prepared
from tests.delivery.campaigns import claim_some
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


async def _read_events(database: Database, campaign: UUID) -> list[tuple[int, str]]:
    async with database.system_transaction() as session:
        rows = await session.execute(
            select(EmailEvent.number, EmailEvent.kind)
            .where(EmailEvent.campaign_id == campaign)
            .order_by(EmailEvent.number)
        )
        return [(row[0], row[1]) for row in rows]


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
    assert (answer.status_code, {"set-cookie", "location"} & set(answer.headers)) == (200, set())
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (2, 3)
    assert await read_preferences(school, "u2") == ("unsubscribed", "unset")
    assert await count_unsubscribed(school, campaign) == 1
    lines = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    assert [line["unsubscribed"] for line in lines] == [False, True, False]
    assert (await read_history(database, school))[3:] == [
        ("marketing", "unsubscribed", "one-click", campaign)
    ]
    claimed = await claim_some(database, Turn(school.id, campaign, operational=False))
    assert [addressee.number for addressee in claimed.addressees] == [1, 3]


async def test_repeating_it_changes_nothing_more(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    link = make_link(settings, school, campaign)
    agents = ["Mozilla/5.0", "Google-Mail-Unsubscribe", "python-requests/2", "Barracuda scanner", ""]
    answers = await asyncio.gather(
        *(public.post(link, data=ONE_CLICK, headers={"User-Agent": agent}) for agent in agents)
    )
    answers.append(await public.post(link, data=ONE_CLICK))
    assert {answer.status_code for answer in answers} == {200}
    assert await count_unsubscribed(school, campaign) == 1
    assert len(await read_history(database, school)) == 1
    assert await _read_events(database, campaign) == [(1, "unsubscribe")]


async def test_repeats_in_one_commit_are_one_change(school: SchoolClient, database: Database) -> None:
    await school.push_users(2)
    campaign = await send_prepared(school, database)
    found = [await find_subscriber(database, RecipientRef(school.id, campaign, number)) for number in (1, 2)]
    wishes = [
        make_wish(each, message_type="marketing", unsubscribe=True, source="one-click")
        for each in (*found, *found, *found)
        if each
    ]
    road = make_wishes(database)
    await asyncio.gather(*(road.submit(wish) for wish in wishes))
    assert await _read_events(database, campaign) == [(1, "unsubscribe"), (2, "unsubscribe")]
    assert await count_unsubscribed(school, campaign) == 2
    assert len(await read_history(database, school)) == 2


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


FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("page", ["", "/preferences"])
@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", FORM, 400),
        (b"List-Unsubscribe=no", FORM, 400),
        (b"action=delete", FORM, 400),
        (b"\xff\xfe", FORM, 400),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400),
        (b"--x", "multipart/form-data", 400),
        (b"List-Unsubscribe=One-Click&x=" + b"x" * MOST_BYTES, FORM, 413),
        (b'{"List-Unsubscribe": "One-Click", "action": "save"}', "application/json", 415),
        (b"List-Unsubscribe=One-Click&action=save", "text/plain", 415),
        (b"List-Unsubscribe=One-Click&action=save", "", 415),
    ],
)
async def test_another_body_is_refused(
    school: SchoolClient,
    database: Database,
    settings: Settings,
    public: httpx.AsyncClient,
    page: str,
    content: bytes,
    kind: str,
    status: int,
) -> None:
    await school.push_users(1)
    link = make_link(settings, school, await send_prepared(school, database)) + page
    read_faults(await public.post(link, content=content, headers={"Content-Type": kind}), status)
    assert await read_history(database, school) == []


async def test_one_click_is_for_its_own_link(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    link = make_link(settings, school, await send_prepared(school, database))
    read_faults(await public.post(f"{link}/preferences", data=ONE_CLICK), 400)
    assert await read_history(database, school) == []
