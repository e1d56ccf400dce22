"""`/v1/directory/users/{external_id}/preferences`: the proof of consent, and an administrator's word."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import select

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database
from app.delivery.fairness import Turn
from app.directory.consent import suppress_addresses
from app.directory.models import User
from tests.campaigns.prepared import send_prepared
from tests.delivery.campaigns import claim_some
from tests.directory.faults import read_faults
from tests.school import SchoolClient
from tests.unsubscribe.leaving import ONE_CLICK, count_reached, make_link

LEAVE = {"marketing": "unsubscribed"}


def path_of(user: str = "u1") -> str:
    return f"/v1/directory/users/{user}/preferences"


async def patch(school: SchoolClient, change: dict[str, Any], user: str = "u1") -> dict[str, Any]:
    answer = await school.http.patch(path_of(user), json=change)
    assert answer.status_code == 200, answer.text
    seen: dict[str, Any] = answer.json()
    assert seen == await school.read(path_of(user))
    return seen


async def test_the_proof_says_what_when_how_and_from_which_campaign(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    assert await school.read(path_of()) == {
        "marketing": "unset",
        "newsletter": "unset",
        "suppression": None,
        "history": {"items": [], "next_cursor": None},
    }
    began = now()
    campaign = await send_prepared(school, database)
    link = make_link(settings, school, campaign)
    await public.post(link, data=ONE_CLICK)
    await public.post(link, data={"action": "undo"})
    await patch(school, {"newsletter": "unsubscribed"})
    told = (began - timedelta(days=9)).isoformat()
    await school.push_users(1, marketing="unsubscribed", preferences_changed_at=told)
    seen = await school.read(path_of())
    assert (seen["marketing"], seen["newsletter"]) == ("unsubscribed", "unsubscribed")
    items = seen["history"]["items"]
    assert [(i["message_type"], i["preference"], i["source"], i["campaign_id"]) for i in items] == [
        ("newsletter", "unsubscribed", "api", None),
        ("marketing", "subscribed", "page", str(campaign)),
        ("marketing", "unsubscribed", "one-click", str(campaign)),
        ("marketing", "unsubscribed", "sync", None),
    ]
    assert [item["changed_at"] > began.isoformat() for item in items] == [True, True, True, False]
    pages: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await school.read(path_of(), limit=1, **({"cursor": cursor} if cursor else {}))
        pages += page["history"]["items"]
        cursor = page["history"]["next_cursor"]
    assert pages == items


@pytest.mark.parametrize("before", ["unset", "subscribed", "unsubscribed"])
@pytest.mark.parametrize("after", ["subscribed", "unsubscribed"])
async def test_a_word_is_kept_once_and_for_the_address(
    school: SchoolClient, other_school: SchoolClient, before: str, after: str
) -> None:
    for each in (school, other_school):
        await each.push_users(2, marketing=before)
    await school.push("users", {"external_id": "a/kid", "email": "USER1@school.example", "marketing": before})
    seen = await patch(school, {"marketing": after})
    assert (seen["marketing"], seen["newsletter"]) == (after, "unset")
    assert await patch(school, {"marketing": after}) == seen
    told = [item["preference"] for item in seen["history"]["items"] if item["source"] == "api"]
    # An unsubscription made here is news even where the platform had said so: it binds the platform too.
    assert told == ([] if before == after == "subscribed" else [after])
    assert await school.read(path_of("a/kid")) == seen
    assert (await school.read("/v1/directory/users/u1"))["marketing"] == after
    assert (await school.read(path_of("u2")))["marketing"] == before
    assert (await other_school.read(path_of()))["marketing"] == before


async def test_no_sync_undoes_it_but_a_later_wish_does(school: SchoolClient) -> None:
    await school.push_users(1, marketing="subscribed")
    await patch(school, LEAVE)
    earlier, later = ((now() + timedelta(hours=hours)).isoformat() for hours in (-1, 1))
    for at in (None, earlier):
        await school.push_users(1, marketing="subscribed", preferences_changed_at=at)
        assert (await school.read(path_of()))["marketing"] == "unsubscribed"
    await school.push_users(1, marketing="subscribed", preferences_changed_at=later)
    assert (await school.read(path_of()))["marketing"] == "subscribed"


async def test_it_takes_out_who_was_not_handed_off_yet_and_lets_in_who_opts_in(
    school: SchoolClient, database: Database
) -> None:
    await school.push_users(2)
    campaign = await send_prepared(school, database)
    await patch(school, LEAVE | {"newsletter": "subscribed"})
    claimed = await claim_some(database, Turn(school.id, campaign, operational=False))
    assert [addressee.number for addressee in claimed.addressees] == [2]
    await school.http.patch("/v1/school", json={"require_opt_in": True})
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (0, 1)
    await patch(school, {"marketing": "subscribed"})
    assert await count_reached(school) == 1


async def test_a_suppressed_address_says_why(school: SchoolClient, database: Database) -> None:
    await school.push_users(1)
    campaign = uuid4()
    async with database.system_transaction() as session:
        key = await session.scalar(select(User.address_key).where(User.school_id == school.id))
        row = {"email": None, "reason": "bounce", "origin": "ses", "campaign_id": campaign}
        await suppress_addresses(session, [{"school_id": school.id, "address_key": key, **row}])
    suppression = (await patch(school, {"marketing": "subscribed"}))["suppression"]
    assert suppression.pop("created_at")
    assert suppression == {"reason": "bounce", "origin": "ses", "campaign_id": str(campaign)}
    assert await count_reached(school) == 0  # whatever is wished


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"marketing": None}, "/marketing"),
        ({"marketing": "unset"}, "/marketing"),
        ({"newsletter": True}, "/newsletter"),
        ({"operational": "subscribed"}, "/operational"),
        ([], ""),
    ],
)
async def test_what_is_no_wish_is_refused(school: SchoolClient, body: Any, pointer: str) -> None:
    await school.push_users(1)
    faults = read_faults(await school.http.patch(path_of(), json=body))
    assert set(faults) == {pointer}
    assert (await school.read(path_of()))["history"]["items"] == []


async def test_another_schools_user_is_not_found(school: SchoolClient, other_school: SchoolClient) -> None:
    await school.push_users(1)
    read_faults(await other_school.http.get(path_of()), 404)
    read_faults(await other_school.http.patch(path_of(), json=LEAVE), 404)
    assert (await school.read(path_of()))["marketing"] == "unset"
    assert set(read_faults(await school.http.get(path_of(), params={"cursor": "x"}))) == {"/cursor"}
