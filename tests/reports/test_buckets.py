"""Hours and days of real clocks, over every kind of change they make (pure)."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from app.reports.buckets import MOST_BUCKETS, fill, find_starts, fits, to_instant, to_minute
from app.reports.schemas import Bucket


def _cut(bucket: Bucket, zone: str, first: datetime, last: datetime) -> list[str]:
    place = ZoneInfo(zone)
    starts = find_starts(bucket, to_minute(first), to_minute(last), place)
    assert starts == sorted(set(starts))
    assert starts[0] <= to_minute(first)
    assert starts[-1] <= to_minute(last)
    return [item.local for item in fill(starts, {}, place)]


@pytest.mark.parametrize(
    ("zone", "first", "hours", "expected"),
    [
        ("Europe/Madrid", datetime(2026, 3, 29, 0, 20, tzinfo=UTC), 2, ["01:00+01", "03:00+02", "04:00+02"]),
        ("Europe/Madrid", datetime(2026, 10, 25, 0, 20, tzinfo=UTC), 2, ["02:00+02", "02:00+01", "03:00+01"]),
        ("Asia/Kolkata", datetime(2026, 1, 1, 0, 0, tzinfo=UTC), 1, ["05:00+05:30", "06:00+05:30"]),
        (
            "Australia/Lord_Howe",  # half an hour forward at two
            datetime(2026, 10, 3, 15, 0, tzinfo=UTC),
            1,
            ["01:00+10:30", "02:30+11", "03:00+11"],
        ),
    ],
)
def test_hours(zone: str, first: datetime, hours: int, expected: list[str]) -> None:
    found = _cut("hour", zone, first, first + timedelta(hours=hours))
    assert [each[11:16] + each[19:].removesuffix(":00") for each in found] == expected


@pytest.mark.parametrize(
    ("zone", "first", "lengths"),
    [
        ("Europe/Madrid", datetime(2026, 3, 28, 12, tzinfo=UTC), [24, 23, 24]),
        ("Europe/Madrid", datetime(2026, 10, 24, 12, tzinfo=UTC), [24, 25, 24]),
        ("America/Santiago", datetime(2026, 9, 5, 12, tzinfo=UTC), [24, 23, 24]),  # midnight left out
        ("America/Havana", datetime(2026, 10, 31, 12, tzinfo=UTC), [24, 25, 24]),  # midnight twice
    ],
)
def test_days(zone: str, first: datetime, lengths: list[int]) -> None:
    starts = find_starts("day", to_minute(first), to_minute(first + timedelta(days=3)), ZoneInfo(zone))
    hours = [(after - before) / 60 for before, after in pairwise(starts)]
    assert hours == lengths
    days = [to_instant(start).astimezone(ZoneInfo(zone)).date() for start in starts]
    assert days == [first.date() + timedelta(days=n) for n in range(4)]


def test_everything_falls_into_the_bucket_it_lies_in() -> None:
    zone, first = ZoneInfo("Europe/Madrid"), to_minute(datetime(2026, 10, 25, 0, 0, tzinfo=UTC))
    cells = {first + 15 * n: (1, 0, n, 0) for n in range(12)}
    items = fill(find_starts("hour", min(cells), max(cells), zone), cells, zone)
    assert [(item.sent, item.opened) for item in items] == [(4, 6), (4, 22), (4, 38)]


def test_how_many_fit() -> None:
    assert fits("minute", 0, MOST_BUCKETS - 2)
    assert not fits("minute", 0, MOST_BUCKETS)
    assert len(find_starts("day", 30, (MOST_BUCKETS - 2) * 1440 + 30, ZoneInfo("Asia/Tokyo"))) <= MOST_BUCKETS
