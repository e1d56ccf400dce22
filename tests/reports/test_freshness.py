"""What is kept is given again while nothing has changed, and for no longer than it may."""

from uuid import uuid4

import pytest

from app.core.db import Database
from app.recipients.facts import FactKind
from app.reports import freshness
from app.reports.freshness import Question, recall
from tests.campaigns.prepared import record, send_prepared
from tests.reports.happenings import START
from tests.school import SchoolClient


class _Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    """A clock held still."""
    clock = _Clock()
    monkeypatch.setattr(freshness, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("cost", "changes", "later", "made"),
    [
        (0.01, False, 0, 2),  # cheap: made anew
        (0.1, False, 59, 1),
        (0.1, False, 61, 2),  # erasure must be seen
        (0.1, True, 0, 2),  # something happened
        (0.5, True, 4, 1),  # slow: ten times as long
        (0.5, True, 5, 2),
    ],
)
async def test_when_it_is_made_anew(
    school: SchoolClient,
    database: Database,
    clock: _Clock,
    cost: float,
    changes: bool,
    later: float,
    made: int,
) -> None:
    await school.push_users(1)
    campaign, count = await send_prepared(school, database), 0

    async def make() -> int:
        nonlocal count
        clock.now += cost
        count += 1
        return count

    async with database.tenant_transaction(school.id) as session:
        assert await recall(session, Question(school.id, campaign, "test"), make) == 1
    if changes:
        await record(database, school, campaign, 1, FactKind.OPENED, at=START)
    clock.now += later
    async with database.tenant_transaction(school.id) as session:
        assert await recall(session, Question(school.id, campaign, "test"), make) == made


async def test_only_so_many_are_kept(database: Database, school: SchoolClient, clock: _Clock) -> None:
    async def make() -> int:
        clock.now += 1
        return 1

    async with database.tenant_transaction(school.id) as session:
        for _ in range(freshness.MOST_KEPT + 3):
            await recall(session, Question(school.id, uuid4(), "test"), make)
    assert len(freshness._kept) == freshness.MOST_KEPT
