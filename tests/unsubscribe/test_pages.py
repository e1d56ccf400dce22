"""The pages for people: a button, an undo, two switches, strict headers, and nothing for a forged link."""

import re
from uuid import uuid4

import httpx
import pytest

from app.core.config import Settings
from app.core.db import Database
from app.core.signing import Purpose, RecipientRef, Signer
from tests.campaigns.prepared import send_prepared
from tests.school import SchoolClient
from tests.unsubscribe.leaving import (
    ONE_CLICK,
    count_reached,
    count_unsubscribed,
    make_link,
    read_history,
    read_preferences,
)

LEAVE, UNDO, SAVE = {"action": "unsubscribe"}, {"action": "undo"}, {"action": "save"}


def _assert_strict(answer: httpx.Response) -> None:
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert "unsafe" not in policy
    nonce = re.search(r"'nonce-([^']+)'", policy)
    assert nonce is not None
    assert f'<style nonce="{nonce[1]}">' in answer.text
    assert "no-store" in headers["cache-control"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "noindex" in headers["x-robots-tag"]
    assert "set-cookie" not in headers
    assert "<script" not in answer.text
    assert '<html lang="en">' in answer.text


def _read_title(page: str) -> str:
    title = re.search(r"<title>(.*)</title>", page)
    assert title is not None
    return title[1]


def _read_status(page: str) -> str:
    """Return what a screen reader is told of, as the page stands."""
    status = re.search(r'<div role="status">(.*?)</div>', page, re.DOTALL)
    assert status is not None
    return " ".join(re.sub(r"<[^>]+>", " ", status[1]).split())


def _read_switches(page: str) -> dict[str, bool]:
    boxes = re.findall(r'<input type="checkbox" name="(\w+)" value="on"( checked)?>', page)
    return {name: bool(checked) for name, checked in boxes}


async def test_the_button_unsubscribes_and_undo_takes_it_back(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    link = make_link(settings, school, campaign)
    asked = await public.get(link)
    assert (asked.text.count("<button"), f'action="{link}"' in asked.text) == (1, True)
    left = await public.post(link, data=LEAVE)
    assert left.status_code == 200
    assert "<h1>You are unsubscribed</h1>" in left.text
    assert _read_title(left.text) == "You are unsubscribed – Riverside School"
    told = "You are unsubscribed You will get no more marketing emails from Riverside School."
    assert _read_status(left.text) == told
    assert 'value="undo"' in left.text
    assert _read_switches(left.text) == {"marketing": False, "newsletter": True}
    assert (await count_reached(school), await count_unsubscribed(school, campaign)) == (0, 1)
    back = await public.post(link, data=UNDO)
    assert _read_title(back.text) == "You are subscribed again – Riverside School"
    assert 'value="undo"' not in back.text
    assert _read_switches(back.text) == {"marketing": True, "newsletter": True}
    assert (await count_reached(school), await count_unsubscribed(school, campaign)) == (1, 0)
    assert await read_history(database, school) == [
        ("marketing", "unsubscribed", "page", campaign),
        ("marketing", "subscribed", "page", campaign),
    ]


async def test_undo_without_leaving_changes_nothing(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    assert (await public.post(make_link(settings, school, campaign), data=UNDO)).status_code == 200
    assert await read_history(database, school) == []
    assert await read_preferences(school) == ("unset", "unset")


async def test_switches_set_both_types(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    link = make_link(settings, school, campaign) + "/preferences"
    shown = await public.get(link)
    assert _read_switches(shown.text) == {"marketing": True, "newsletter": True}
    saved = await public.post(link, data=SAVE | {"marketing": "on"})
    assert _read_status(saved.text) == "Your email preferences Your preferences are saved."
    assert _read_title(saved.text) == "Preferences saved – Riverside School"
    assert _read_switches(saved.text) == {"marketing": True, "newsletter": False}
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (1, 0)
    # The report of a marketing campaign tells who left marketing.
    assert await count_unsubscribed(school, campaign) == 0
    await public.post(link, data=SAVE)
    assert (await count_reached(school), await count_unsubscribed(school, campaign)) == (0, 1)
    both = SAVE | {"marketing": "on", "newsletter": "on"}
    await public.post(link, files={name: (None, value) for name, value in both.items()})
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (1, 1)
    assert await count_unsubscribed(school, campaign) == 0
    assert len(await read_history(database, school)) == 4


async def test_preferences_can_be_set_from_operational_mail(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database, message_type="operational")
    link = make_link(settings, school, campaign) + "/preferences"
    await public.post(link, data={"marketing": "on"})
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (1, 0)
    assert await count_unsubscribed(school, campaign) == 0


async def test_every_page_is_strict_and_names_the_school(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    name = 'Ann & Bob\'s <script>alert("x")</script>'
    await school.http.patch("/v1/school", json={"name": name, "colour": "#aa0000"})
    campaign = await send_prepared(school, database)
    link = make_link(settings, school, campaign)
    pages = [
        await public.get(link),
        await public.get(f"{link}/preferences"),
        await public.post(link, data=ONE_CLICK),
        await public.post(f"{link}/preferences", data={"marketing": "on"}),
    ]
    for page in pages:
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        _assert_strict(page)
        assert "Ann &amp; Bob" in page.text
        assert "--accent: #aa0000; --on-accent: #ffffff;" in page.text
        assert "user1@school.example" not in page.text
    assert pages[0].headers["content-security-policy"] != pages[1].headers["content-security-policy"]


@pytest.mark.parametrize("page", ["", "/preferences"])
async def test_a_forged_link_leads_nowhere(
    school: SchoolClient,
    other_school: SchoolClient,
    database: Database,
    settings: Settings,
    public: httpx.AsyncClient,
    page: str,
) -> None:
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    good = make_link(settings, school, campaign)
    ref = RecipientRef(school.id, campaign, 1)
    for link in (
        good[:-1],
        good + "A",
        good[:20] + ("A" if good[20] != "A" else "B") + good[21:],
        "/u/" + "A" * 71,
        "/u/" + "é" * 71,
        make_link(settings, school, campaign, purpose=Purpose.OPEN),
        make_link(settings, school, campaign, purpose=Purpose.CLICK),
        make_link(settings, school, campaign, 2),
        make_link(settings, school, uuid4()),
        make_link(settings, other_school, campaign),
        "/u/" + Signer(["another-key-0123456789-abcdefghijk"]).sign(Purpose.UNSUBSCRIBE, ref),
    ):
        for answer in (await public.get(link + page), await public.post(link + page, data=ONE_CLICK)):
            assert answer.status_code == 404
            assert "This link leads nowhere" in answer.text
            _assert_strict(answer)
    assert (await count_reached(school), await read_history(database, school)) == (1, [])


async def test_what_the_platform_pushed_shows_and_can_be_lifted(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    link = make_link(settings, school, await send_prepared(school, database))
    await school.push_users(1, marketing="unsubscribed")
    shown = await public.get(f"{link}/preferences")
    assert _read_switches(shown.text) == {"marketing": False, "newsletter": True}
    saved = await public.post(f"{link}/preferences", data={"marketing": "on", "newsletter": "on"})
    assert _read_switches(saved.text) == {"marketing": True, "newsletter": True}
    again = await public.get(f"{link}/preferences")
    assert _read_switches(again.text) == {"marketing": True, "newsletter": True}
    assert await count_reached(school) == 1


async def test_where_one_must_opt_in_the_switch_says_so_and_does_it(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1, marketing="subscribed")
    link = make_link(settings, school, await send_prepared(school, database)) + "/preferences"
    await school.http.patch("/v1/school", json={"require_opt_in": True})
    shown = await public.get(link)
    assert _read_switches(shown.text) == {"marketing": True, "newsletter": False}
    assert await count_reached(school, "newsletter") == 0
    saved = await public.post(link, data=SAVE | {"marketing": "on", "newsletter": "on"})
    assert _read_switches(saved.text) == {"marketing": True, "newsletter": True}
    assert await read_preferences(school) == ("subscribed", "subscribed")
    assert (await count_reached(school), await count_reached(school, "newsletter")) == (1, 1)


async def test_off_is_off_for_all_who_share_the_address(
    school: SchoolClient, database: Database, settings: Settings, public: httpx.AsyncClient
) -> None:
    await school.push_users(1)
    link = make_link(settings, school, await send_prepared(school, database)) + "/preferences"
    await school.push("users", {"external_id": "kid", "email": "user1@school.example"})
    await school.push_users(1, marketing="unsubscribed")
    shown = await public.get(link)  # the child's mail still comes to this address
    assert _read_switches(shown.text) == {"marketing": True, "newsletter": True}
    assert await count_reached(school) == 1
    await public.post(link, data=SAVE | {"newsletter": "on"})
    assert await count_reached(school) == 0
    assert await read_preferences(school, "kid") == ("unsubscribed", "unset")
