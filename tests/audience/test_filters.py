"""Whom each filter names: half-open intervals to the microsecond, open ends, and nobody twice."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core.db import Database
from tests.audience.judged import judge
from tests.school import SchoolClient

NOW = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)

ENROLLMENTS: dict[str, tuple[datetime, datetime | None]] = {
    "over": (NOW - 2 * DAY, NOW - DAY),
    "ends_now": (NOW - DAY, NOW),
    "ends_next": (NOW - DAY, NOW + TICK),
    "open": (NOW - DAY, None),
    "starts_now": (NOW, NOW + DAY),
    "starts_and_ends_now": (NOW, NOW),
    "starts_next": (NOW + TICK, NOW + DAY),
    "later_open": (NOW + DAY, None),
}
ONGOING = {"ends_next", "open", "starts_now"}
UPCOMING = {"starts_next", "later_open"}
ENDED = {"over", "ends_now", "starts_and_ends_now"}


async def _enroll(school: SchoolClient, status: str = "active") -> None:
    people = [{"external_id": name, "email": f"{name}@school.example"} for name in ENROLLMENTS]
    await school.push("users", *people)
    await school.push("courses", {"external_id": "c1", "title": "One"})
    enrollments = [
        {
            "external_id": name,
            "user": name,
            "course": "c1",
            "starts_at": start.isoformat(),
            "ends_at": end.isoformat() if end else None,
            "status": status,
        }
        for name, (start, end) in ENROLLMENTS.items()
    ]
    await school.push("enrollments", *enrollments)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("ongoing_enrollments", ONGOING),
        ("upcoming_enrollments", UPCOMING),
        ("current_enrollments", ONGOING | UPCOMING),
        ("ended_enrollments", ENDED),
    ],
)
async def test_enrollments_by_their_interval(
    school: SchoolClient, database: Database, kind: str, expected: set[str]
) -> None:
    await _enroll(school)
    assert set(await judge(database, school, {"kind": kind}, NOW)) == expected
    await _enroll(school, status="cancelled")
    assert await judge(database, school, {"kind": kind}, NOW) == {}


async def test_now_is_an_instant_in_any_zone(school: SchoolClient, database: Database) -> None:
    await _enroll(school)
    elsewhere = NOW.astimezone(datetime.fromisoformat("2026-01-01T00:00:00-11:00").tzinfo)
    assert set(await judge(database, school, {"kind": "ongoing_enrollments"}, elsewhere)) == ONGOING


async def test_many_enrollments_are_one_person(school: SchoolClient, database: Database) -> None:
    await school.push("users", {"external_id": "u1", "email": "u1@school.example", "status": "inactive"})
    await school.push("courses", {"external_id": "c1", "title": "One"}, {"external_id": "c2", "title": "Two"})
    await school.push(
        "enrollments",
        {"external_id": "e1", "user": "u1", "course": "c1", "starts_at": "2026-01-01T00:00:00Z"},
        {"external_id": "e2", "user": "u1", "course": "c2", "starts_at": "2026-01-01T00:00:00Z"},
        {"external_id": "e3", "user": "u1", "course": "c2", "starts_at": "2026-12-01T00:00:00Z"},
    )
    # An inactive account with an enrollment is named all the same: status matters to `active_users` alone.
    for kind in ("ongoing_enrollments", "upcoming_enrollments", "current_enrollments"):
        assert await judge(database, school, {"kind": kind}, NOW) == {"u1": None}


async def test_active_users_are_those_whose_status_says_so(school: SchoolClient, database: Database) -> None:
    await school.push(
        "users",
        {"external_id": "on", "email": "on@school.example"},
        {"external_id": "off", "email": "off@school.example", "status": "inactive"},
    )
    assert await judge(database, school, {"kind": "active_users"}, NOW) == {"on": None}


async def test_a_group_is_its_members(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    await school.push_users(3)
    await school.push("groups", {"external_id": "g1", "name": "One"}, {"external_id": "g2", "name": "Two"})
    await school.push(
        "memberships",
        {"external_id": "m1", "group": "g1", "user": "u1"},
        {"external_id": "m1-again", "group": "g1", "user": "u1"},
        {"external_id": "m2", "group": "g1", "user": "u2"},
        {"external_id": "m3", "group": "g2", "user": "u3"},
    )
    assert await judge(database, school, {"kind": "group", "group": "g1"}, NOW) == {"u1": None, "u2": None}
    assert await judge(database, school, {"kind": "group", "group": "none"}, NOW) == {}
    assert await judge(database, other_school, {"kind": "group", "group": "g1"}, NOW) == {}


async def test_an_audience_stays_in_its_school(
    school: SchoolClient, other_school: SchoolClient, database: Database
) -> None:
    await _enroll(school)
    await other_school.push_users(2)
    assert set(await judge(database, other_school, {"kind": "active_users"}, NOW)) == {"u1", "u2"}
    assert await judge(database, other_school, {"kind": "current_enrollments"}, NOW) == {}
