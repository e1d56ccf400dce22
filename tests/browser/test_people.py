"""What people do in a browser: leave, come back and choose, without mouse or scripts; and read their mail."""

from importlib.resources import files
from typing import Any

import pytest

from app.core.config import Settings
from app.core.db import Database
from app.delivery.jobs import Delivery
from app.simulator.client import SimulatorClient
from tests.browser.chromium import Browser, Tab
from tests.browser.web import Web
from tests.campaigns.prepared import send_prepared
from tests.school import SchoolClient
from tests.unsubscribe.leaving import count_reached, make_link, read_preferences
from tests.waiting import eventually

pytestmark = pytest.mark.usefixtures("empty_database")
AXE = (files("axe_core_python") / "axe.min.js").read_text()
RING = "(s => [s.outlineStyle, parseFloat(s.outlineWidth) >= 2])(getComputedStyle(document.activeElement))"
WIDEST = "Math.max(...[...document.querySelectorAll('*')].map(e => e.getBoundingClientRect().right))"
LONG_NAME = "Donaudampfschifffahrtsgesellschaftskapitänsmusikschule"
PALE, DARK = "#fff7b0", "#14213d"


async def invite(school: SchoolClient, database: Database, settings: Settings) -> str:
    """Send to one person; return the URL of their unsubscribe page."""
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    return settings.public_url + make_link(settings, school, campaign)


async def reach_and_press(tab: Tab, words: str, key: str) -> None:
    """Tab to a button, see that the focus shows, and press it."""
    await tab.reach(words)
    assert await tab.evaluate(RING) == ["solid", True]
    async with tab.loading():
        await tab.press(key)


async def read_switches(tab: Tab) -> dict[str, bool]:
    boxes = "[...document.querySelectorAll('input')].map(box => [box.name, box.checked])"
    return dict(await tab.evaluate(f"({boxes})"))


async def test_all_is_done_by_keyboard_and_without_scripts(
    browser: Browser, school: SchoolClient, database: Database, settings: Settings
) -> None:
    link = await invite(school, database, settings)
    async with browser.tab(scripts=False) as tab:
        await tab.open(link)
        assert await tab.read("h1") == "Unsubscribe from marketing emails?"
        assert await count_reached(school) == 1
        await reach_and_press(tab, "Unsubscribe", "Enter")
        told = "You are unsubscribed You will get no more marketing emails from Riverside School."
        assert await tab.read("[role=status]") == told
        assert await tab.evaluate("document.title") == "You are unsubscribed – Riverside School"
        assert await read_switches(tab) == {"marketing": False, "newsletter": True}
        assert (await count_reached(school), await count_reached(school, "newsletter")) == (0, 1)
        await reach_and_press(tab, "Undo: keep me subscribed", "Space")
        assert await tab.read("h1") == "You are subscribed again"
        assert (await read_switches(tab), await count_reached(school)) == (
            {"marketing": True, "newsletter": True},
            1,
        )
        await tab.reach("Newsletter emails")
        await tab.press("Space")
        await reach_and_press(tab, "Save preferences", "Enter")
        assert await tab.read("[role=status] p") == "Your preferences are saved."
        assert await read_preferences(school) == ("subscribed", "unsubscribed")
        await tab.open(f"{link}/preferences")
        assert await read_switches(tab) == {"marketing": True, "newsletter": False}
        assert (await tab.send("Network.getCookies"))["cookies"] == []
    history = (await school.read("/v1/directory/users/u1/preferences"))["history"]["items"]
    assert [(each["message_type"], each["preference"], each["source"]) for each in history] == [
        ("newsletter", "unsubscribed", "page"),
        ("marketing", "subscribed", "page"),
        ("marketing", "unsubscribed", "page"),
    ]


async def find_faults(tab: Tab) -> list[tuple[str, str]]:
    """Return what axe-core finds, as rule and element."""
    await tab.evaluate(f"{AXE}; undefined")
    found: list[dict[str, Any]] = await tab.evaluate("axe.run().then(result => result.violations)")
    return [(each["id"], node["html"]) for each in found for node in each["nodes"]]


async def inspect(tab: Tab, heading: str) -> None:
    """Look at a page on a narrow screen, then as people do who cannot see it, by day and by night."""
    assert await tab.read("h1") == heading
    assert await tab.evaluate("document.documentElement.scrollWidth") == 320
    assert await tab.evaluate(WIDEST) <= 320
    for scheme in ("light", "dark"):
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await tab.send("Emulation.setEmulatedMedia", features=[feature])
        assert await find_faults(tab) == []


@pytest.mark.parametrize("colour", [None, PALE, DARK])
async def test_pages_are_fit_for_every_eye_and_screen(
    browser: Browser, school: SchoolClient, database: Database, settings: Settings, colour: str | None
) -> None:
    answer = await school.http.patch("/v1/school", json={"name": LONG_NAME, "colour": colour})
    assert answer.status_code == 200
    link = await invite(school, database, settings)
    async with browser.tab() as tab:
        await tab.send(
            "Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=1, mobile=True
        )
        await tab.open(link)
        await inspect(tab, "Unsubscribe from marketing emails?")
        await reach_and_press(tab, "Unsubscribe", "Enter")
        await inspect(tab, "You are unsubscribed")
        await tab.open(f"{link}/preferences")
        await inspect(tab, "Your email preferences")
        await tab.open(f"{link}x")
        await inspect(tab, "This link leads nowhere")


async def test_a_mail_that_is_read_counts_once_and_its_links_lead_on(
    browser: Browser, school: SchoolClient, delivery: Delivery, simulator: SimulatorClient, web: Web
) -> None:
    web.pages["/courses?a=1&b=2"] = "<title>Summer courses</title>"
    html = f'<p>Hi {{{{ first_name }}}}</p><a id="more" href="{web.url}/courses?a=1&amp;b=2">More</a>'
    await school.push_users(1)
    campaign = (await school.send(html=html))["id"]
    await delivery.sweep()
    (mail,) = await eventually(simulator.list_mail, lambda mails: len(mails) == 1)
    web.pages["/mail"] = mail.html or ""

    async def read(*names: str) -> list[int]:
        stats = (await school.read(f"/v1/campaigns/{campaign}"))["stats"]
        return [stats[name] for name in names]

    async with browser.tab(scripts=False) as tab:
        assert await read("opened", "opens", "machine_opened") == [0, 0, 0]
        await tab.open(f"{web.url}/mail")
        assert await tab.read("p") == "Hi First1"
        assert await read("opened", "opens", "machine_opened") == [1, 1, 0]
        async with tab.loading():
            await tab.click("#more")
        assert await tab.evaluate("document.title") == "Summer courses"
        # A click this soon after the mail may be taken for a machine's.
        assert sum(await read("clicked", "machine_clicked")) == 1
        assert "/courses?a=1&b=2" in web.asked
        assert (await read("opens", "unsubscribed"), await count_reached(school)) == ([1, 0], 1)
        await tab.open(f"{web.url}/mail")
        async with tab.loading():
            await tab.click("a[href*='/u/']:not([href$='/preferences'])")
        assert await tab.read("h1") == "Unsubscribe from marketing emails?"
