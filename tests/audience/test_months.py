"""Calendar months are counted back on the school's own calendar."""

from datetime import UTC, datetime

import pytest

from app.audience.filters.orders import subtract_months

MADRID = "Europe/Madrid"


@pytest.mark.parametrize(
    ("instant", "months", "timezone", "expected"),
    [
        ("2026-05-15T10:00+02:00", 1, MADRID, "2026-04-15T10:00+02:00"),
        ("2026-03-31T10:00+02:00", 1, MADRID, "2026-02-28T10:00+01:00"),
        ("2024-03-31T10:00+02:00", 1, MADRID, "2024-02-29T10:00+01:00"),
        ("2024-02-29T10:00+01:00", 12, MADRID, "2023-02-28T10:00+01:00"),
        ("2026-01-31T10:00+01:00", 2, MADRID, "2025-11-30T10:00+01:00"),
        ("2026-11-15T10:00+01:00", 120, MADRID, "2016-11-15T10:00+01:00"),
        # It is the first of the month in Auckland, and still the last of the one before in UTC.
        ("2026-03-31T12:00+00:00", 1, "Pacific/Auckland", "2026-03-01T01:00+13:00"),
        ("2026-03-31T12:00+00:00", 1, "UTC", "2026-02-28T12:00+00:00"),
        # 02:30 was skipped on 29 March, and came twice on 25 October: then the first is meant.
        ("2026-04-29T02:30+02:00", 1, MADRID, "2026-03-29T02:30+01:00"),
        ("2026-11-25T02:30+01:00", 1, MADRID, "2026-10-25T02:30+02:00"),
    ],
)
def test_the_same_time_of_day_that_many_months_ago(
    instant: str, months: int, timezone: str, expected: str
) -> None:
    found = subtract_months(datetime.fromisoformat(instant), months, timezone)
    assert found.astimezone(UTC) == datetime.fromisoformat(expected).astimezone(UTC)
