"""The timeline in as many periods as fit on a page (pure)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

MOST_ROWS = 48


@dataclass(frozen=True, slots=True)
class Period:
    """What happened from one instant until before another."""

    start: datetime
    end: datetime
    sent: int
    delivered: int
    opened: int
    clicked: int

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return not (self.sent or self.delivered or self.opened or self.clicked)


def gather_periods(found: Iterable[Period], timezone: ZoneInfo) -> list[Period]:
    """Return the periods in which something happened, put together to longer ones until they fit a page."""
    full = [each for each in found if not each.is_empty]
    for begin_of, length in _COARSER:
        if len(full) <= MOST_ROWS:
            break
        full = _put_together(full, begin_of, length, timezone)
    return full


def _put_together(
    periods: Sequence[Period],
    begin_of: Callable[[datetime, ZoneInfo], datetime],
    length: timedelta,
    timezone: ZoneInfo,
) -> list[Period]:
    whole: list[Period] = []
    for each in periods:
        start = begin_of(each.start, timezone)
        if each.end - each.start >= length:
            whole.append(each)
        elif whole and whole[-1].start == start:
            last = whole[-1]
            whole[-1] = Period(
                start,
                last.end,
                last.sent + each.sent,
                last.delivered + each.delivered,
                last.opened + each.opened,
                last.clicked + each.clicked,
            )
        else:
            end = max(begin_of(start + length * 1.5, timezone), each.end)  # where the next one begins
            whole.append(Period(start, end, each.sent, each.delivered, each.opened, each.clicked))
    return whole


def _begin_ten_minutes(at: datetime, timezone: ZoneInfo) -> datetime:
    return at - timedelta(minutes=at.astimezone(timezone).minute % 10)


def _begin_hour(at: datetime, timezone: ZoneInfo) -> datetime:
    return at - timedelta(minutes=at.astimezone(timezone).minute)  # some clocks are a quarter of an hour off


def _begin_day(at: datetime, timezone: ZoneInfo) -> datetime:
    local = at.astimezone(timezone)
    return datetime(local.year, local.month, local.day, tzinfo=timezone).astimezone(UTC)


_COARSER: Final = (
    (_begin_ten_minutes, timedelta(minutes=10)),
    (_begin_hour, timedelta(hours=1)),
    (_begin_day, timedelta(hours=20)),  # a day of 23 hours is one too
)
