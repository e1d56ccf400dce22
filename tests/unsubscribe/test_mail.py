"""The mail as SES has it: its headers as RFC 2369 and RFC 8058 want them, and no scanner changes a wish."""

import re
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest

from app.core.db import Database
from app.delivery.jobs import Delivery
from app.simulator.client import SimulatorClient
from app.simulator.mailbox import RenderedMail
from tests.school import SchoolClient
from tests.unsubscribe.leaving import ONE_CLICK, count_reached, count_unsubscribed, read_history
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")
OWN = re.compile(r"http://campaigns\.test(/[^\s\"'<>]+)")
SCANNERS = ["Mozilla/5.0 (compatible; LinkScanner/1.0)", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", ""]


async def _mail_one(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, message_type: str
) -> tuple[UUID, RenderedMail]:
    """Send to one person; return the campaign and the mail."""
    await school.push_users(1, marketing="subscribed", newsletter="subscribed")
    campaign = (await school.send(message_type=message_type))["id"]
    await delivery.sweep()
    (mail,) = await eventually(simulator.list_mail, lambda mails: len(mails) == 1)
    return UUID(campaign), mail


@pytest.mark.parametrize("message_type", ["marketing", "newsletter"])
async def test_the_headers_are_as_mail_programs_want_them_and_work(
    school: SchoolClient,
    delivery: Delivery,
    simulator: SimulatorClient,
    public: httpx.AsyncClient,
    message_type: str,
) -> None:
    _, mail = await _mail_one(school, delivery, simulator, message_type)
    assert set(mail.headers) == {"List-Unsubscribe", "List-Unsubscribe-Post"}
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    link = re.fullmatch(r"<(http://campaigns\.test/u/[A-Za-z0-9_-]{71})>", mail.headers["List-Unsubscribe"])
    assert link is not None
    name, _, value = mail.headers["List-Unsubscribe-Post"].partition("=")
    assert {name: value} == ONE_CLICK
    assert (await public.post(link[1], data={name: value})).status_code == 200
    other = {"marketing": "newsletter", "newsletter": "marketing"}[message_type]
    assert (await count_reached(school, message_type), await count_reached(school, other)) == (0, 1)


async def test_operational_mail_has_neither_header_nor_link(
    school: SchoolClient, delivery: Delivery, simulator: SimulatorClient
) -> None:
    _, mail = await _mail_one(school, delivery, simulator, "operational")
    assert mail.headers == {}
    assert "/u/" not in (mail.html or "") + (mail.text or "")


async def test_scanners_follow_every_link_and_change_no_wish(
    school: SchoolClient,
    delivery: Delivery,
    simulator: SimulatorClient,
    public: httpx.AsyncClient,
    database: Database,
) -> None:
    campaign, mail = await _mail_one(school, delivery, simulator, "marketing")
    before = await read_history(database, school)
    paths = set(OWN.findall(f"{mail.html} {mail.text} {mail.headers['List-Unsubscribe']}"))
    assert {urlsplit(path).path.split("/")[1] for path in paths} == {"o", "c", "u"}
    assert any(path.endswith("/preferences") for path in paths)
    for agent in SCANNERS:
        for method in ("HEAD", "GET", "OPTIONS"):
            for path in (*paths, *(f"{path}?List-Unsubscribe=One-Click" for path in paths)):
                answer = await public.request(method, path, headers={"User-Agent": agent})
                assert answer.status_code in ({405} if method == "OPTIONS" else {200, 302})
    assert await read_history(database, school) == before
    assert (await count_reached(school), await count_unsubscribed(school, campaign)) == (1, 0)
