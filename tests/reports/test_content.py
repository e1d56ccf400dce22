"""What a campaign sent, as a page safe to show: nobody's data, nothing that runs, nothing that counts."""

import re
from uuid import uuid4

import pytest

from app.core.signing import TOKEN_LENGTH
from tests.directory.faults import read_faults
from tests.school import SchoolClient

HTML = (
    '<html><body><script>alert(1)</script><p>Dear {{ first_name | "friend" }} of {{ school_name }}</p>'
    '<a href="https://school.example/{{ attributes.city | "here" }}?x=1&amp;y=2">A</a>'
    '<a href="{{ unsubscribe_url }}">Leave</a></body></html>'
)
POLICY = {
    "sandbox": {"allow-popups", "allow-popups-to-escape-sandbox"},
    "default-src": {"'none'"},
    "img-src": {"https:", "data:"},
    "style-src": {"'unsafe-inline'"},
    "base-uri": {"'none'"},
    "form-action": {"'none'"},
}


async def test_the_html_is_a_page_that_can_do_nothing(school: SchoolClient) -> None:
    await school.push("users", {"external_id": "ann", "email": "ann@school.example", "first_name": "Ann"})
    campaign = (await school.send(html=HTML, preheader="Dates"))["id"]
    await school.http.patch("/v1/school", json={"postal_address": "2 New Street", "colour": "#00aa77"})
    page = await school.http.get(f"/v1/campaigns/{campaign}/content")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    directives = (each.split() for each in page.headers["content-security-policy"].split(";"))
    assert {name: set(values) for name, *values in directives} == POLICY
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert set(page.headers["cache-control"].split(", ")) == {"no-store", "private"}
    assert "x-frame-options" not in page.headers
    assert "<p>Dear friend of Riverside School</p>" in page.text
    assert '<a href="https://school.example/here?x=1&amp;y=2">A</a>' in page.text
    assert '<a href="http://campaigns.test/u/preview">Leave</a>' in page.text
    # As it was sent, whatever the school is now.
    assert "1 River Street, Sevilla" in page.text
    assert not re.search(rf"[\w-]{{{TOKEN_LENGTH}}}|/c/|/o/|Ann|ann@", page.text)


async def test_the_text_is_plain(school: SchoolClient) -> None:
    await school.push_users(1)
    campaign = (await school.send(html=HTML))["id"]
    page = await school.http.get(f"/v1/campaigns/{campaign}/content", params={"format": "text"})
    assert (page.status_code, page.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.text.startswith("Dear friend of Riverside School\n\nA (https://school.example/here?x=1&y=2)")
    assert "Email preferences: http://campaigns.test/u/preview" in page.text


async def test_it_is_the_schools_own(school: SchoolClient, other_school: SchoolClient) -> None:
    await school.push_users(1)
    path = f"/v1/campaigns/{(await school.send())['id']}/content"
    read_faults(await other_school.http.get(path), 404)
    read_faults(await school.http.get(f"/v1/campaigns/{uuid4()}/content"), 404)
    assert set(read_faults(await school.http.get(path, params={"format": "pdf"}))) == {"/format"}


@pytest.mark.parametrize("tracked", [True, False])
async def test_tracking_makes_no_difference(school: SchoolClient, *, tracked: bool) -> None:
    await school.push_users(1)
    campaign = (await school.send(html=HTML, track_opens=tracked, track_clicks=tracked))["id"]
    page = await school.http.get(f"/v1/campaigns/{campaign}/content")
    assert page.text.startswith(HTML.split("{{", maxsplit=1)[0] + "friend")
    assert '<a href="https://school.example/here?x=1&amp;y=2">A</a>' in page.text
