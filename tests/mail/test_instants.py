"""RFC 3339 timestamps, and nothing else."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.mail.instants import parse_instant


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2017-08-05T00:41:02.669Z", datetime(2017, 8, 5, 0, 41, 2, 669000, UTC)),
        ("2017-08-05T00:41:02Z", datetime(2017, 8, 5, 0, 41, 2, 0, UTC)),
        ("2017-08-05T02:41:02.6+02:00", datetime(2017, 8, 5, 0, 41, 2, 600000, UTC)),
        ("2017-08-05T00:41:02.123456789Z", datetime(2017, 8, 5, 0, 41, 2, 123456, UTC)),
    ],
)
def test_timestamps_with_and_without_fraction(text: str, instant: datetime) -> None:
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-08-05",
        "2017-08-05T00:41:02",
        "2017-08-05 00:41:02Z",
        "2017-W31-6T00:41:02Z",
        "2017-02-30T00:41:02Z",
        "2017-08-05T25:41:02Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "２017-08-05T00:41:02Z",
        "2017-08-05T00:41:02Z\n",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"timestamp|range|day|hour"):
        parse_instant(text)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)))  # noqa: DTZ001
def test_every_instant_reads_back(moment: datetime) -> None:
    instant = moment.replace(tzinfo=UTC)
    assert parse_instant(instant.isoformat()) == instant
