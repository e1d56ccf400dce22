"""When soft bounces are in a row (pure)."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.feedback.soft_bounces import Mail, find_run

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("story", "limit", "last"),
    [("", 1, None), ("S", 1, 0), ("SS", 3, None), ("SSS", 2, 1), ("SDSS", 2, 3), ("SDSDS", 2, None)],
)
def test_a_run_ends_with_a_delivery(story: str, limit: int, last: int | None) -> None:
    mails = [
        Mail(FIRST + timedelta(hours=place), what == "S", UUID(int=place), None)
        for place, what in enumerate(story)
    ]
    found = find_run(mails[::-1], limit)
    assert (found and found.campaign_id) == (None if last is None else UUID(int=last))
