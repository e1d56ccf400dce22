"""Audiences in plain words, instants on the school's clocks, periods that fit a page, and their drawing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from app.audience.base import Filter
from app.core.db import Database
from app.reports.page import audience as audience_words
from app.reports.page.audience import describe_audience
from app.reports.page.chart import BOTTOM, HEIGHT, LEFT, RIGHT, SERIES, WIDTH, choose_ticks, draw_chart
from app.reports.page.periods import MOST_ROWS, Period, gather_periods
from app.reports.page.words import show_instant, show_share
from tests.school import SchoolClient

MADRID, KATHMANDU = ZoneInfo("Europe/Madrid"), ZoneInfo("Asia/Kathmandu")
GROUP = {"kind": "group", "group": "choir"}
ACTIVE = {"kind": "active_users"}
WORDS: list[tuple[dict[str, Any], str]] = [
    (ACTIVE, "whose account is active"),
    ({"kind": "ongoing_enrollments"}, "with an ongoing enrollment"),
    ({"kind": "upcoming_enrollments"}, "with an upcoming enrollment"),
    ({"kind": "current_enrollments"}, "with an ongoing or upcoming enrollment"),
    ({"kind": "ended_enrollments"}, "with an enrollment that has ended"),
    ({"kind": "online_enrollments"}, "enrolled in an online course"),
    ({"kind": "valid_passes"}, "with a valid pass"),
    ({"kind": "active_subscriptions"}, "with a running subscription"),
    ({"kind": "upcoming_bookings", "within_days": 1}, "with an upcoming booking in the next 1 day"),
    (
        {"kind": "past_bookings", "from": "2026-07-01T10:00:00Z", "to": "2026-12-01T10:00:00Z"},
        "with a past booking from 1 July 2026, 12:00 CEST before 1 December 2026, 11:00 CET",
    ),
    ({"kind": "past_orders", "months": 3}, "who ordered in the last 3 months"),
    ({"kind": "recent_accounts", "days": 30}, "who registered in the last 30 days"),
    (GROUP, "in the group “School choir”"),
    ({"kind": "group", "group": "gone"}, "in the group “gone”"),
    (
        {"kind": "all_of", "filters": [ACTIVE, {"kind": "any_of", "filters": [GROUP, ACTIVE]}]},
        (
            "whose account is active, and at the same time "
            "(in the group “School choir”, or whose account is active)"
        ),
    ),
    ({"kind": "none_of", "filters": [GROUP]}, "other than those in the group “School choir”"),
]


def test_there_are_words_for_every_kind_of_filter() -> None:
    ours = {kind for kind, each in Filter.registry.items() if each.__module__.startswith("app.")}
    assert {asked["kind"] for asked, _ in WORDS} | {"campaign", "any_of"} == ours


async def test_a_kind_without_words_is_shown_by_its_name(
    school: SchoolClient, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(audience_words._SIMPLE, "active_users")
    said = await describe(database, school, {"filter": {"kind": "all_of", "filters": [ACTIVE, GROUP]}})
    assert said == "People found by “active users”, and at the same time in the group “choir”"


async def describe(database: Database, school: SchoolClient, audience: dict[str, Any]) -> str:
    async with database.tenant_transaction(school.id) as session:
        return await describe_audience(session, school_id=school.id, audience=audience, timezone=MADRID)


async def test_an_audience_is_said_in_plain_words(school: SchoolClient, database: Database) -> None:
    await school.push("groups", {"external_id": "choir", "name": "School choir"})
    await school.push("trainers", {"external_id": "t1", "name": "Ana"}, {"external_id": "t2", "name": "Ben"})
    for asked, words in WORDS:
        assert await describe(database, school, {"filter": asked}) == f"People {words}"
    narrow = {
        "trainers": ["t1", "t2"],
        "categories": ["music"],
        "preferences": ["marketing"],
        "exclude_remote_courses": True,
    }
    assert await describe(database, school, {"filter": ACTIVE, "narrow": narrow}) == (
        "People whose account is active; only trained by “Ana” or “Ben”, in the category “music”, "
        "those subscribed to marketing emails, what is not a remote course"
    )
    assert await describe(database, school, {"filter": {"kind": "of_old"}}) == (
        "An audience that can no longer be understood"
    )


async def test_lists_and_campaigns_go_by_their_names(school: SchoolClient, database: Database) -> None:
    await school.push_users(1)
    earlier = (await school.send(name="Spring"))["id"]
    by_outcome = {
        "any": "who were sent the campaign “Spring”",
        "opened": "who opened the campaign “Spring”",
        "not_opened": "who got the campaign “Spring” and did not open it",
        "clicked": "who clicked a link in the campaign “Spring”",
        "not_clicked": "who got the campaign “Spring” and clicked no link in it",
        "failed": "whom the campaign “Spring” did not reach",
    }
    for outcome, words in by_outcome.items():
        asked = {"filter": {"kind": "campaign", "campaign": earlier, "outcome": outcome}}
        assert await describe(database, school, asked) == f"People {words}"
    saved = await school.http.post("/v1/mailing-lists", json={"name": "All", "audience": {"filter": ACTIVE}})
    named = {"mailing_list_id": saved.json()["id"]}
    assert await describe(database, school, named) == "The mailing list “All”"
    resolved = "The mailing list “All”: People whose account is active"
    assert await describe(database, school, named | {"filter": ACTIVE}) == resolved
    assert await describe(database, school, {"mailing_list_id": str(uuid4())}) == "A mailing list"


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "–"), (0.0, "0%"), (1.0, "100%"), (0.5, "50%"), (0.8712, "87.12%"), (0.0001, "0.01%")],
)
def test_a_share_is_shown_as_it_was_rounded(value: float | None, words: str) -> None:
    assert show_share(value) == words


def test_an_instant_is_shown_on_the_schools_clocks() -> None:
    at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert show_instant(at, MADRID) == "25 October 2026, 02:30 CEST"
    assert show_instant(at + timedelta(hours=1), MADRID) == "25 October 2026, 02:30 CET"


def make_periods(count: int, *, minutes: int, zone: ZoneInfo = MADRID) -> list[Period]:
    """Make periods from an hour of the evening before the clocks go back; every third is empty."""
    start = datetime(2026, 10, 24, 22, tzinfo=zone).astimezone(UTC)
    length = timedelta(minutes=minutes)
    return [
        Period(start + length * n, start + length * (n + 1), *((n % 3, 1, 1, 0) if n % 3 else (0, 0, 0, 0)))
        for n in range(count)
    ]


@pytest.mark.parametrize("zone", [MADRID, KATHMANDU])
@pytest.mark.parametrize(("count", "minutes"), [(3, 1), (200, 1), (1900, 1), (1900, 60), (1900, 1440)])
def test_periods_are_put_together_until_they_fit(count: int, minutes: int, zone: ZoneInfo) -> None:
    fine = make_periods(count, minutes=minutes, zone=zone)
    whole = gather_periods(fine, zone)
    assert len(whole) <= MOST_ROWS or minutes >= 60
    assert all(before.end <= after.start for before, after in pairwise(whole))
    assert all(each.start < each.end and not each.is_empty for each in whole)
    for name in SERIES:
        assert sum(getattr(each, name) for each in whole) == sum(getattr(each, name) for each in fine)
    if minutes == 60:
        assert {each.start.astimezone(zone).hour for each in whole} == {0}


def test_nothing_makes_no_drawing() -> None:
    assert gather_periods(make_periods(1, minutes=1), MADRID) == []
    assert draw_chart([], MADRID) is None


@pytest.mark.parametrize("count", [2, 30])
def test_lines_rise_from_nothing_to_the_sums_inside_the_drawing(count: int) -> None:
    periods = gather_periods(make_periods(count, minutes=1), MADRID)
    chart = draw_chart(periods, MADRID)
    assert chart is not None
    for line in chart.lines:
        points = [tuple(map(float, point.split(","))) for point in line.points.split()]
        assert points == sorted(points, key=lambda point: (point[0], -point[1]))
        assert points[0] == (LEFT, HEIGHT - BOTTOM)
        assert points[-1][0] == WIDTH - RIGHT
        assert all(0 <= y <= HEIGHT - BOTTOM for _, y in points)
        assert line.total == sum(getattr(each, line.name) for each in periods)
    assert [tick.anchor for tick in chart.columns] == ["start", "middle", "end"]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (4, [0, 1, 2, 3, 4]),
        (5, [0, 1, 2, 3, 4, 5]),
        (7, [0, 2, 4, 6, 8]),
        (1234, [0, 500, 1000, 1500]),
        (1_000_000, [0, 200_000, 400_000, 600_000, 800_000, 1_000_000]),
    ],
)
def test_ticks_are_round_and_reach_the_most(most: int, ticks: list[int]) -> None:
    assert choose_ticks(most) == ticks
