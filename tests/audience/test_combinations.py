"""Combinations and narrowing over the API: what a person would expect, and what is refused, where and why."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.core.clock import now
from app.core.db import Database
from app.delivery.planning import prepare_campaign
from tests.directory.faults import read_faults
from tests.school import SchoolClient

ACTIVE = {"kind": "active_users"}


@pytest.fixture
async def taught(school: SchoolClient) -> SchoolClient:
    """Three people in courses of different kinds, one with a pass, and one who attends nothing."""
    soon = (now() + timedelta(days=3)).isoformat()
    await school.push_users(5, marketing="subscribed")
    await school.push(
        "trainers", {"external_id": "ana", "name": "Ana"}, {"external_id": "ben", "name": "Ben"}
    )
    await school.push("categories", {"external_id": "yoga", "name": "Yoga"})
    await school.push("groups", {"external_id": "choir", "name": "Choir"})
    await school.push(
        "courses",
        {"external_id": "here", "title": "Here", "trainer": "ana", "category": "yoga"},
        {"external_id": "far", "title": "Far", "trainer": "ben", "delivery": "remote"},
        {"external_id": "both", "title": "Both", "trainer": "ben", "delivery": "hybrid"},
    )
    enrolled = {"starts_at": "2026-01-01T00:00:00Z"}
    await school.push(
        "enrollments",
        enrolled | {"external_id": "e1", "user": "u1", "course": "here"},
        enrolled | {"external_id": "e2", "user": "u2", "course": "far"},
        enrolled | {"external_id": "e3", "user": "u3", "course": "both"},
        enrolled | {"external_id": "e4", "user": "u1", "course": "here"},
    )
    booked = {"starts_at": soon, "ends_at": soon}
    await school.push(
        "bookings", booked | {"external_id": "b1", "user": "u2", "course": "far", "trainer": "ana"}
    )
    await school.push(
        "passes",
        {"external_id": "p1", "user": "u2", "category": "yoga", "valid_from": "2026-01-01T00:00:00Z"},
        {"external_id": "p2", "user": "u4", "valid_from": "2026-01-01T00:00:00Z", "credits_left": 0},
    )
    await school.push("memberships", {"external_id": "m1", "group": "choir", "user": "u5"})
    return school


async def preview(school: SchoolClient, asked: dict[str, Any], **narrow: Any) -> set[str]:
    """Preview an audience of up to ten, all of whom can be mailed."""
    body = {"audience": {"filter": asked, "narrow": narrow}, "message_type": "marketing"}
    answer = await school.http.post("/v1/audiences/preview", json=body)
    assert answer.status_code == 200, answer.text
    found = {person["user"] for person in answer.json()["sample"]}
    assert answer.json()["recipients"] == answer.json()["matched"] == len(found)
    return found


async def refuse(school: SchoolClient, asked: dict[str, Any], **narrow: Any) -> dict[str, str]:
    """Ask what cannot be asked; return the faults, which sending finds too."""
    audience = {"filter": asked, "narrow": narrow}
    body = {"audience": audience, "message_type": "marketing"}
    faults = read_faults(await school.http.post("/v1/audiences/preview", json=body))
    message = {**body, "subject": "Hello", "html": "<p>Hi</p>"}
    assert read_faults(await school.http.post("/v1/messages", json=message)) == faults
    return faults


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"kind": "online_enrollments"}, {"u2", "u3"}),
        ({"kind": "upcoming_bookings"}, {"u2"}),
        ({"kind": "upcoming_bookings", "within_days": 2}, set()),
        ({"kind": "upcoming_bookings", "from": "2020-01-01T00:00:00Z", "to": "2020-02-01T00:00:00Z"}, set()),
        ({"kind": "past_bookings"}, set()),
        ({"kind": "valid_passes"}, {"u2"}),
        ({"kind": "all_of", "filters": [ACTIVE, {"kind": "valid_passes"}]}, {"u2"}),
        (
            {"kind": "any_of", "filters": [{"kind": "valid_passes"}, {"kind": "group", "group": "choir"}]},
            {"u2", "u5"},
        ),
        ({"kind": "any_of", "filters": [{"kind": "current_enrollments"}]}, {"u1", "u2", "u3"}),
        ({"kind": "none_of", "filters": [{"kind": "current_enrollments"}]}, {"u4", "u5"}),
        (
            {
                "kind": "all_of",
                "filters": [
                    {"kind": "none_of", "filters": [{"kind": "group", "group": "choir"}]},
                    {"kind": "none_of", "filters": [{"kind": "current_enrollments"}]},
                ],
            },
            {"u4"},
        ),
    ],
)
async def test_filters_name_whom_one_expects(
    taught: SchoolClient, asked: dict[str, Any], expected: set[str]
) -> None:
    assert await preview(taught, asked) == expected


@pytest.mark.parametrize(
    ("kind", "narrow", "expected"),
    [
        ("current_enrollments", {"trainers": ["ben"]}, {"u2", "u3"}),
        ("current_enrollments", {"trainers": ["ben"], "exclude_remote_courses": True}, {"u3"}),
        ("current_enrollments", {"categories": ["yoga"]}, {"u1"}),
        ("upcoming_bookings", {"trainers": ["ana"]}, {"u2"}),
        ("upcoming_bookings", {"trainers": ["ben"]}, set()),
        ("valid_passes", {"categories": ["yoga"], "trainers": ["ben"]}, {"u2"}),
        ("valid_passes", {"exclude_remote_courses": True}, set()),
        ("active_users", {"trainers": ["ana"]}, {"u1", "u2"}),
        ("active_users", {"exclude_remote_courses": True}, {"u1", "u3", "u4", "u5"}),
        ("active_users", {"preferences": ["marketing"]}, {"u1", "u2", "u3", "u4", "u5"}),
        ("active_users", {"preferences": ["marketing", "newsletter"]}, set()),
    ],
)
async def test_narrowing_asks_the_record_and_then_the_user(
    taught: SchoolClient, kind: str, narrow: dict[str, Any], expected: set[str]
) -> None:
    assert await preview(taught, {"kind": kind}, **narrow) == expected


async def test_what_none_of_rules_out_is_not_narrowed(taught: SchoolClient) -> None:
    attended = {"kind": "none_of", "filters": [{"kind": "current_enrollments"}]}
    assert await preview(taught, attended, trainers=["ana"], exclude_remote_courses=True) == {"u4", "u5"}
    assert await preview(taught, attended, preferences=["newsletter"]) == set()


def nest(depth: int) -> dict[str, Any]:
    """Nest combinations so deep, around one filter."""
    return {"kind": "all_of", "filters": [nest(depth - 1)]} if depth else ACTIVE


async def test_combinations_nest_five_deep(taught: SchoolClient) -> None:
    assert len(await preview(taught, nest(5))) == 5
    assert await refuse(taught, nest(6)) == {
        "/audience/filter" + "/filters/0" * 6: "is nested more than 5 deep"
    }
    assert set(await refuse(taught, nest(300))) == {"/audience/filter" + "/filters/0" * 6}


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"kind": "all_of", "filters": []}, "/filters"),
        ({"kind": "any_of", "filters": [ACTIVE] * 21}, "/filters"),
        ({"kind": "none_of"}, "/filters"),
        ({"kind": "any_of", "filters": [ACTIVE, {"kind": "past_orders"}]}, "/filters/1/months"),
        ({"kind": "past_orders", "months": 0}, "/months"),
        ({"kind": "past_orders", "months": 121}, "/months"),
        ({"kind": "recent_accounts", "days": 3651}, "/days"),
        ({"kind": "upcoming_bookings", "within_days": 0}, "/within_days"),
        ({"kind": "upcoming_bookings", "from": "2026-01-01T00:00:00"}, "/from"),
        ({"kind": "past_bookings", "from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, ""),
        ({"kind": "campaign", "campaign": "last"}, "/campaign"),
        ({"kind": "any_of", "filters": [{"kind": "any_of", "filters": [ACTIVE] * 19}] * 6}, ""),
    ],
)
async def test_a_wrong_parameter_is_named(school: SchoolClient, asked: dict[str, Any], pointer: str) -> None:
    assert set(await refuse(school, asked)) == {f"/audience/filter{pointer}"}


async def test_records_that_are_not_there_are_named(taught: SchoolClient, other_school: SchoolClient) -> None:
    await other_school.push("groups", {"external_id": "theirs", "name": "Theirs"})
    unknown = "01990000-0000-7000-8000-000000000000"
    asked = {
        "kind": "any_of",
        "filters": [
            {"kind": "group", "group": "choir"},
            {"kind": "group", "group": "theirs"},
            {"kind": "none_of", "filters": [{"kind": "campaign", "campaign": unknown}]},
        ],
    }
    assert await refuse(taught, asked, trainers=["ana", "eve"], categories=["judo"]) == {
        "/audience/filter/filters/1/group": "there is no theirs in groups",
        "/audience/filter/filters/2/filters/0/campaign": f"there is no {unknown} in campaigns",
        "/audience/narrow/trainers/1": "there is no eve in trainers",
        "/audience/narrow/categories/0": "there is no judo in categories",
    }


async def test_a_campaign_can_follow_up_another(taught: SchoolClient) -> None:
    sent = await taught.send()
    earlier = {"kind": "campaign", "campaign": sent["id"]}
    assert await preview(taught, earlier) == set()
    rest = {"kind": "none_of", "filters": [earlier | {"outcome": "opened"}]}
    assert len(await preview(taught, rest)) == 5


async def test_what_was_asked_is_shown_as_it_was_asked(taught: SchoolClient) -> None:
    audience = {"filter": {"kind": "upcoming_bookings", "within_days": 7}, "narrow": {"trainers": ["ana"]}}
    sent = await taught.send(audience=audience)
    assert (await taught.read(f"/v1/campaigns/{sent['id']}"))["audience"] == audience


def _deny(filter_: dict[str, Any], times: int) -> dict[str, Any]:
    return _deny({"kind": "none_of", "filters": [filter_]}, times - 1) if times else filter_


@pytest.mark.parametrize(
    ("asked", "matched"),
    [
        (_deny(ACTIVE, 2), 1500),
        (_deny(ACTIVE, 3), 0),
        (_deny({"kind": "past_bookings"}, 4), 0),
        (_deny({"kind": "all_of", "filters": [ACTIVE, _deny({"kind": "valid_passes"}, 1)]}, 1), 0),
        (_deny({"kind": "any_of", "filters": [_deny(ACTIVE, 1), {"kind": "valid_passes"}]}, 2), 0),
    ],
)
async def test_no_combination_is_slow_in_a_school_that_the_planner_does_not_know(
    school: SchoolClient,
    other_school: SchoolClient,
    database: Database,
    asked: dict[str, Any],
    matched: int,
) -> None:
    """As one that came since the statistics were made: everybody was compared with everybody."""
    await other_school.push_users(200)
    async with database.connection() as connection:
        await connection.execute(text("ANALYZE users"))
    await school.push_users(1500)
    async with asyncio.timeout(10):
        answer = await school.http.post(
            "/v1/audiences/preview", json={"audience": {"filter": asked}, "message_type": "operational"}
        )
    assert answer.json()["matched"] == matched


@pytest.mark.parametrize("is_negated", [False, True])
async def test_a_group_that_is_gone_when_sending_starts_widens_nothing(
    taught: SchoolClient, database: Database, is_negated: bool
) -> None:
    """All but the choir would be everybody, the choir among them."""
    await taught.push("memberships", {"external_id": "m1", "group": "choir", "user": "u1"})
    choir = {"kind": "group", "group": "choir"}
    asked = {"kind": "none_of", "filters": [choir]} if is_negated else choir
    campaign = (await taught.send(audience={"filter": asked}))["id"]
    assert (await taught.http.delete("/v1/directory/groups/choir")).status_code == 204
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=taught.id, campaign_id=UUID(campaign))
    seen = await taught.read(f"/v1/campaigns/{campaign}")
    reason = "The audience names what is no more: there is no choir in groups."
    assert (seen["status"], seen["status_reason"]) == ("failed", reason)
    assert (await taught.read(f"/v1/campaigns/{campaign}/recipients"))["items"] == []
