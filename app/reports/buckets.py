"""Time cut into minutes, hours or days as a school's clocks show them (pure).

Instants are counted in minutes since 1970. Every offset from UTC in use is a multiple of a quarter hour,
so that quarters never lie across the bounds of an hour or a day. When clocks go back, the hour they show
twice is two hours, and that day has 25; when they go forward, an hour is missing.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from app.reports.schemas import Bucket, TimelineBucket

QUARTER = 15
MOST_BUCKETS = 2_000
LENGTHS: Mapping[Bucket, int] = {"minute": 1, "hour": 60, "day": 24 * 60}
"""In minutes, finest first; a day may be an hour longer or shorter."""
Counts = tuple[int, int, int, int]
"""Sent, delivered, opened, clicked."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_instant(minute: int) -> datetime:
    """Return the instant."""
    return EPOCH + timedelta(minutes=minute)


def to_minute(at: datetime) -> int:
    """Return the minute it lies in."""
    return (at - EPOCH) // timedelta(minutes=1)


def fits(bucket: Bucket, first: int, last: int) -> bool:
    """Tell whether the minutes from first to last are no more buckets than can be answered."""
    return (last - first) // LENGTHS[bucket] + 2 <= MOST_BUCKETS


def find_starts(bucket: Bucket, first: int, last: int, zone: ZoneInfo) -> list[int]:
    """Return where the buckets start that hold the minutes from first to last, in order."""
    if bucket == "minute":
        return list(range(first, last + 1))
    return list(_find_days(first, last, zone) if bucket == "day" else _find_hours(first, last, zone))


def _find_days(first: int, last: int, zone: ZoneInfo) -> Iterator[int]:
    day = to_instant(first).astimezone(zone).date()
    while True:
        # Where midnight is left out this is the first instant after it, where it comes twice the earlier.
        start = to_minute(datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC))
        if start > last:
            return
        yield start
        day += timedelta(days=1)


def _find_hours(first: int, last: int, zone: ZoneInfo) -> Iterator[int]:
    before = None
    minute = first // QUARTER * QUARTER
    minute -= to_instant(minute).astimezone(zone).minute // QUARTER * QUARTER
    while minute <= last:
        local = to_instant(minute).astimezone(zone)
        shown = (local.date(), local.hour, local.utcoffset())
        if shown != before:
            yield minute
        before = shown
        minute += QUARTER


def fill(starts: list[int], cells: Mapping[int, Counts], zone: ZoneInfo) -> list[TimelineBucket]:
    """Put what happened at each minute into the bucket it lies in."""
    sums = [[0, 0, 0, 0] for _ in starts]
    for minute, counts in cells.items():
        place = sums[bisect_right(starts, minute) - 1]
        for index, count in enumerate(counts):
            place[index] += count
    return [
        TimelineBucket(
            start=to_instant(start),
            local=to_instant(start).astimezone(zone).isoformat(),
            sent=sent,
            delivered=delivered,
            opened=opened,
            clicked=clicked,
        )
        for start, (sent, delivered, opened, clicked) in zip(starts, sums, strict=True)
    ]
