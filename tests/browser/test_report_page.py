"""The printed report as it is seen: on a desk, on a telephone, on paper; by those who do not see, too."""

import base64
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest

from app.core.db import Database
from tests.browser.chromium import Browser, Tab
from tests.browser.test_people import AXE
from tests.reports.test_page import make_story
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")
ARABIC = "دورات الصيف: التسجيل مفتوح"
LONG = "Donaudampfschifffahrtsgesellschaftskapitänsmusikschulsommerkurse"
OUTSIDE = """
    [...document.querySelectorAll('body *')]
        .filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 0.5).length
"""


async def show(tab: Tab, school: SchoolClient, campaign: UUID, *, width: int) -> None:
    """Show the page at this width, as a front end does that has fetched it."""
    await tab.send(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False
    )
    page = (await school.http.get(f"/v1/campaigns/{campaign}/report.html")).text
    await tab.open(f"data:text/html;charset=utf-8,{quote(page)}")


async def list_faults(tab: Tab) -> list[str]:
    await tab.evaluate(f"{AXE}; undefined")
    found: list[dict[str, Any]] = await tab.evaluate("axe.run().then(found => found.violations)")
    return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("colour", ["#fff7b0", "#14213d"])
async def test_it_is_readable_at_any_width_and_by_anybody(
    browser: Browser, school: SchoolClient, database: Database, colour: str
) -> None:
    await school.http.patch("/v1/school", json={"colour": colour, "name": LONG})
    campaign = await make_story(school, database, name=f"{LONG} {ARABIC}", subject=ARABIC)
    async with browser.tab() as tab:
        for width in (1280, 320):
            await show(tab, school, campaign, width=width)
            assert await list_faults(tab) == []
            assert await tab.evaluate("document.documentElement.scrollWidth") <= width
            assert await tab.evaluate(OUTSIDE) == 0


async def test_it_prints_on_a_few_pages(browser: Browser, school: SchoolClient, database: Database) -> None:
    campaign = await make_story(school, database, name="Autumn")
    async with browser.tab() as tab:
        await show(tab, school, campaign, width=1280)
        printed = await tab.send("Page.printToPDF", printBackground=False, preferCSSPageSize=True)
        pdf = base64.b64decode(printed["data"])
        assert pdf.startswith(b"%PDF-")
        assert 1 <= pdf.count(b"/Type /Page\n") <= 3
