"""`/v1/school`: every setting reads back, nulls clear what may be empty, wrong values change nothing."""

import json
from typing import Any

import pytest

from tests.directory.faults import read_faults
from tests.school import SchoolClient

SETTINGS: dict[str, Any] = {
    "name": "Lakeside",
    "timezone": "America/New_York",
    "from_name": "Lakeside Office",
    "from_email": "office@lakeside.example",
    "reply_to": "desk@lakeside.example",
    "postal_address": "2 Lake Road\nSpringfield",
    "profile_url_template": "https://lakeside.example/people/{external_id}?tab=1",
    "require_opt_in": True,
    "soft_bounce_limit": 3,
    "guard_bounce_rate": 0.02,
    "guard_complaint_rate": 0.0005,
    "guard_minimum": 100,
    "ses_tenant": "lakeside",
    "colour": "#00ffAA",
}
NULLABLE = {"reply_to", "profile_url_template", "ses_tenant", "colour"}


async def test_a_new_school_has_the_defaults(school: SchoolClient) -> None:
    read = await school.read("/v1/school")
    assert read["id"] == str(school.id)
    assert (read["name"], read["timezone"]) == ("Riverside School", "Europe/Madrid")
    assert (read["soft_bounce_limit"], read["guard_bounce_rate"], read["guard_complaint_rate"]) == (
        5,
        0.04,
        0.0008,
    )
    assert (read["guard_minimum"], read["require_opt_in"]) == (500, False)
    assert all(read[name] is None for name in NULLABLE)
    assert "address_secret" not in read


@pytest.mark.parametrize("name", SETTINGS)
async def test_one_setting_changes_and_the_rest_stays(school: SchoolClient, name: str) -> None:
    before = await school.read("/v1/school")
    answer = await school.http.patch("/v1/school", json={name: SETTINGS[name]})
    assert answer.status_code == 200, answer.text
    after = await school.read("/v1/school")
    assert after == answer.json()
    assert after["updated_at"] > before["updated_at"]
    assert after == before | {name: SETTINGS[name], "updated_at": after["updated_at"]}


async def test_all_settings_change_in_one_request_of_one_school(
    school: SchoolClient, other_school: SchoolClient
) -> None:
    theirs = await other_school.read("/v1/school")
    assert (await school.http.patch("/v1/school", json=SETTINGS)).status_code == 200
    read = await school.read("/v1/school")
    assert {name: read[name] for name in SETTINGS} == SETTINGS
    assert await other_school.read("/v1/school") == theirs


@pytest.mark.parametrize("name", SETTINGS)
async def test_null_clears_what_may_be_empty_alone(school: SchoolClient, name: str) -> None:
    await school.http.patch("/v1/school", json=SETTINGS)
    answer = await school.http.patch("/v1/school", json={name: None})
    if name in NULLABLE:
        assert (await school.read("/v1/school"))[name] is None
    else:
        assert read_faults(answer) == {f"/{name}": "must not be null"}
        assert (await school.read("/v1/school"))[name] == SETTINGS[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "a\nb"),
        ("name", "x" * 256),
        ("name", "nul\x00"),
        ("timezone", "Mars/Olympus"),
        ("timezone", "../../etc/passwd"),
        ("timezone", ""),
        ("from_name", "a\r\nBcc: b@c.example"),
        ("from_email", "nobody"),
        ("from_email", "josé@school.example"),
        ("from_email", "a@b.example, c@d.example"),
        ("reply_to", "a@b.example\r\nX: y"),
        ("postal_address", ""),
        ("postal_address", "  \n "),
        ("postal_address", "x" * 1001),
        ("profile_url_template", "https://school.example/people"),
        ("profile_url_template", "javascript:alert({external_id})"),
        ("profile_url_template", "/people/{external_id}"),
        ("profile_url_template", "https://school.example/{external_id}" + "x" * 2000),
        ("require_opt_in", "perhaps"),
        ("soft_bounce_limit", 0),
        ("soft_bounce_limit", 101),
        ("soft_bounce_limit", 2.5),
        ("guard_bounce_rate", 0),
        ("guard_bounce_rate", 1.01),
        ("guard_bounce_rate", float("nan")),
        ("guard_complaint_rate", -0.1),
        ("guard_minimum", 0),
        ("guard_minimum", 2**31),
        ("ses_tenant", ""),
        ("ses_tenant", "x" * 65),
        ("ses_tenant", "lake side"),
        ("ses_tenant", "lakeside\n"),
        ("colour", "red"),
        ("colour", "#12345"),
        ("colour", "#123456;}"),
        ("id", "0"),
        ("address_secret", "x"),
    ],
)
async def test_a_wrong_value_is_named_and_changes_nothing(
    school: SchoolClient, name: str, value: object
) -> None:
    before = await school.read("/v1/school")
    body = json.dumps({"colour": "#123456", name: value})
    answer = await school.http.patch("/v1/school", content=body, headers={"Content-Type": "application/json"})
    faults = read_faults(answer)
    assert set(faults) == {f"/{name}"}
    assert "\n" not in faults[f"/{name}"]
    assert await school.read("/v1/school") == before
