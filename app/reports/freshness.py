"""What takes long to add up is kept for as long as nothing has changed, and a little longer.

A campaign's counters change with every fact, in its transaction: while they stand still, so does whatever is
added up from the same facts. Of a large campaign that is under way an answer may be as old as ten times what
it takes to make it, so that watchers never keep PostgreSQL busier than a tenth. A small one is always made
anew. Each process keeps its own.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.recipients.models import CampaignCounters

Answer = TypeVar("Answer")
Version = tuple[Any, ...]

CHEAP_SECONDS: Final = 0.05
"""What takes no longer is not kept at all."""
SLOW_SECONDS: Final = 0.25
"""What takes longer may be a little out of date."""
TIMES_ITS_COST: Final = 10
OLDEST_SECONDS: Final = 60.0
"""Erasure changes no counter, and must be seen."""
MOST_KEPT: Final = 16


@dataclass(frozen=True, slots=True)
class Question:
    """What was added up, of which campaign; `details` is everything else the answer depends on."""

    school_id: UUID
    campaign_id: UUID
    figure: str
    details: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: Any
    version: Version
    made_at: float
    cost: float

    def is_good(self, version: Version) -> bool:
        age = time.monotonic() - self.made_at
        if age > OLDEST_SECONDS:
            return False
        return version == self.version or (self.cost > SLOW_SECONDS and age < self.cost * TIMES_ITS_COST)


_kept: OrderedDict[Question, _Kept] = OrderedDict()


async def recall(session: AsyncSession, question: Question, make: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return the answer as it was kept, or make it; the caller has checked that it may be seen."""
    version = await _read_version(session, question)
    kept = _kept.get(question)
    if kept is not None and kept.is_good(version):
        return cast(Answer, kept.answer)
    _kept.pop(question, None)
    started = time.monotonic()
    answer = await make()
    cost = time.monotonic() - started
    if cost > CHEAP_SECONDS:
        _kept[question] = _Kept(answer, version, started, cost)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return answer


async def _read_version(session: AsyncSession, question: Question) -> Version:
    query = select(*CampaignCounters.__table__.columns).where(
        CampaignCounters.school_id == question.school_id,
        CampaignCounters.campaign_id == question.campaign_id,
    )
    row = (await session.execute(query)).one_or_none()
    return tuple(row) if row else ()
