"""Tracked links: recorded, then redirected, and never anywhere but to a link of that very campaign."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from app.core.db import Database
from app.core.ids import new_id
from app.core.signing import Purpose, RecipientRef, Signer
from app.tracking.machine import judge_agent
from app.tracking.routes import MOST_AGENT
from tests.school import SchoolClient
from tests.tracking.mailing import FIREFOX, Mailing, send_mailing


def check_not_found(answer: httpx.Response) -> None:
    """Assert that this is the page for a link that leads nowhere."""
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "location" not in answer.headers
    assert "no-store" in answer.headers["cache-control"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_click_is_in_the_report_when_the_redirect_arrives(mailing: Mailing) -> None:
    answer = await mailing.click()
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://school.example/a?x=1&y=2"
    assert "no-store" in answer.headers["cache-control"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    person = await mailing.recipient()
    assert (person["clicked"], person["click_count"], person["machine_clicked"]) == (True, 1, False)
    (event,) = await mailing.campaign.history()
    assert (event["kind"], event["link"], event["machine"]) == ("click", 1, None)


async def test_what_is_judged_of_an_agent_is_what_is_kept_of_it(mailing: Mailing) -> None:
    """So today's rules find the same when they are run again, and no long agent fills the memory."""
    await mailing.click(agent="x" * MOST_AGENT + " curl/8.5.0")
    (event,) = await mailing.campaign.history()
    assert (event["agent"], event["machine"]) == ("x" * MOST_AGENT, None)
    assert judge_agent(event["agent"], opens=False) is None


async def test_a_click_implies_an_open(mailing: Mailing) -> None:
    await mailing.click()
    person, stats = await mailing.recipient(), await mailing.stats()
    assert (person["opened"], person["open_count"]) == (True, 0)
    assert person["first_opened_at"] == person["first_clicked_at"] is not None
    assert (stats["opened"], stats["opened_by_click"], stats["opens"]) == (1, 1, 0)
    assert (stats["clicked"], stats["clicks"]) == (1, 1)
    await mailing.open()
    stats = await mailing.stats()
    assert (stats["opened"], stats["opened_by_click"], stats["opens"]) == (1, 0, 1)


async def test_a_link_with_merge_fields_leads_to_each_persons_own_url(mailing: Mailing) -> None:
    first = await mailing.click(2, number=1)
    assert first.headers["location"] == (
        "https://school.example/%C3%A9%20path?for=Ana%20%26%20Zo%C3%AB%2F%C3%91%3F&city=Ja%C3%A9n#top"
    )
    second = await mailing.click(2, number=2)
    assert second.headers["location"] == "https://school.example/%C3%A9%20path?for=&city=nowhere#top"


async def test_many_clicks_at_once_all_count(mailing: Mailing) -> None:
    answers = await asyncio.gather(*(mailing.click(1 + n % 2, number=1 + n % 2) for n in range(20)))
    assert {answer.status_code for answer in answers} == {302}
    stats = await mailing.stats()
    assert (stats["clicked"], stats["clicks"]) == (2, 20)
    assert len({event["key"] for event in await mailing.campaign.history()}) == 20
    await mailing.campaign.check_counters()


@pytest.mark.parametrize(
    "link",
    [
        "0",
        "3",
        "999",
        "99999",
        "-1",
        "1.0",
        "+1",
        "x",
        "%31%20",
        "²",
        "١",
        "evil.example",
        "1?to=//evil.example&x=",
    ],
)
async def test_no_other_link_leads_anywhere(mailing: Mailing, link: str) -> None:
    """No link of the campaign has these numbers; the last one adds a query, which is not looked at."""
    answer = await mailing.click(link)
    if link.startswith("1?"):
        assert answer.headers["location"] == "https://school.example/a?x=1&y=2"
        return
    check_not_found(answer)
    assert await mailing.campaign.history() == []


async def test_a_token_that_is_not_ours_is_a_404_page_and_records_nothing(mailing: Mailing) -> None:
    good = mailing.token(Purpose.CLICK)
    ref = RecipientRef(mailing.campaign.school_id, mailing.campaign.id, 1)
    signer: Signer = mailing.app.state.signer
    forged = [
        good[:-1],
        good + "A",
        ("B" if good[0] == "A" else "A") + good[1:],
        Signer(["a-foreign-key-0123456789-abcdefghij"]).sign(Purpose.CLICK, ref),
        mailing.token(Purpose.OPEN),
        mailing.token(Purpose.UNSUBSCRIBE),
        # Signed by us, of a school or a campaign that is not the other's.
        signer.sign(Purpose.CLICK, RecipientRef(new_id(), mailing.campaign.id, 1)),
        signer.sign(Purpose.CLICK, RecipientRef(mailing.campaign.school_id, new_id(), 1)),
        "x",
        "é" * 71,
    ]
    for token in forged:
        check_not_found(await mailing.public.get(f"/c/{token}/1", headers={"User-Agent": FIREFOX}))
    assert await mailing.campaign.history() == []
    assert (await mailing.click()).status_code == 302  # and nothing of it is remembered


async def test_a_campaigns_links_are_not_anothers(
    mailing: Mailing,
    other_school: SchoolClient,
    app: FastAPI,
    public: httpx.AsyncClient,
    database: Database,
) -> None:
    html = '<body><a href="https://other.example/">O</a></body>'
    other = await send_mailing(other_school, app, public, database, html=html)
    for _ in range(2):  # the second time from memory
        assert (await mailing.click(1)).headers["location"] == "https://school.example/a?x=1&y=2"
        assert (await other.click(1)).headers["location"] == "https://other.example/"
        check_not_found(await other.click(2))
    assert (await mailing.stats())["clicks"] == (await other.stats())["clicks"] == 2


async def test_more_campaigns_than_are_remembered_are_all_answered(
    mailing: Mailing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.tracking.links.MOST_CAMPAIGNS", 1)
    other = await send_mailing(mailing.school, mailing.app, mailing.public, mailing.campaign.database)
    for each in (mailing, other, mailing, mailing, other):
        assert (await each.click()).status_code == 302
    assert ((await mailing.stats())["clicks"], (await other.stats())["clicks"]) == (3, 2)


@pytest.mark.parametrize(
    ("agent", "method"), [(FIREFOX, "HEAD"), ("Mozilla/5.0", "GET"), ("Barracuda Sentinel (EE)", "GET")]
)
async def test_a_machine_is_led_there_and_kept_apart(mailing: Mailing, agent: str, method: str) -> None:
    answer = await mailing.click(agent=agent, method=method)
    assert (answer.status_code, answer.headers["location"]) == (302, "https://school.example/a?x=1&y=2")
    person, stats = await mailing.recipient(), await mailing.stats()
    assert (person["clicked"], person["opened"], person["machine_clicked"]) == (False, False, True)
    assert (stats["clicked"], stats["clicks"], stats["opened"], stats["machine_clicked"]) == (0, 0, 0, 1)


async def test_whoever_is_no_recipient_is_led_there_but_not_recorded(mailing: Mailing) -> None:
    """A recipient taken out since, say; a link that needs the person's data leads nowhere then."""
    assert (await mailing.click(1, number=99)).status_code == 302
    check_not_found(await mailing.click(2, number=99))
    assert await mailing.campaign.history() == []


async def test_no_method_but_get_and_head_is_offered(mailing: Mailing) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert (await mailing.click(method=method)).status_code == 405
        assert (await mailing.open(method=method)).status_code == 405
    assert await mailing.campaign.history() == []
