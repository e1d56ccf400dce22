"""How many an audience would reach, how many not and why, and a few of them by name."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.asking import ask
from app.audience.resolve import (
    MATCHED,
    Question,
    count_judged,
    is_found_at_once,
    sample_judged,
    sample_quickly,
    tune_planner,
)
from app.audience.schemas import AudiencePreview, PreviewPerson, PreviewRequest
from app.audience.scope import Scope
from app.core.clock import now
from app.core.errors import Unavailable
from app.schools.service import get_school

SAMPLE = 10
MOST_AT_ONCE: Final = 4
"""Previews of large schools in a process: they take long, and others need its connections too."""
_places = asyncio.Semaphore(MOST_AT_ONCE)


async def count_audience(session: AsyncSession, *, scope: Scope, question: Question) -> Mapping[str, int]:
    """Return how many users fall to each reason; those to be mailed stand under `recipients`."""
    return (await show_audience(session, scope=scope, question=question, sample=0))[0]


async def show_audience(
    session: AsyncSession, *, scope: Scope, question: Question, sample: int = SAMPLE
) -> tuple[dict[str, int], list[PreviewPerson]]:
    """Return the counts of `count_audience`, and some of those who would be mailed.

    Raise Unavailable when that is to be shown and many others of large schools are being looked at.
    """
    is_small = await tune_planner(session, school_id=scope.school_id)
    if is_small or not sample:
        return await _show(session, scope, question, sample)
    if _places.locked():
        raise Unavailable(
            "Other audiences are being counted; try again shortly.", headers={"Retry-After": "1"}
        )
    async with _places:
        return await _show(session, scope, question, sample)


async def _show(
    session: AsyncSession, scope: Scope, question: Question, sample: int
) -> tuple[dict[str, int], list[PreviewPerson]]:
    at_once = is_found_at_once(question.audience)
    counting = count_judged(scope, question, sample=0 if at_once else sample)
    counts: dict[str, Any] = (await session.execute(counting)).one()._asdict()
    matched, shown = counts.pop(MATCHED), counts.pop("sample", None)
    recipients = matched - sum(counts.values())
    if at_once and sample:
        shown = await _find_people(session, scope, question, size=min(sample, recipients))
    return {"recipients": recipients, **counts}, [
        PreviewPerson(
            user=each["external_id"],
            name=f"{each['first_name']} {each['last_name']}".strip(),
            email=each["email"],
        )
        for each in shown or ()
    ]


async def _find_people(
    session: AsyncSession, scope: Scope, question: Question, *, size: int
) -> Sequence[RowMapping]:
    if not size:
        return ()
    found: Sequence[RowMapping] = ()
    for sampling in (sample_quickly, sample_judged):
        found = (await session.execute(sampling(scope, question, size=size))).mappings().all()
        if len(found) == size:
            break
    return found


async def preview_audience(
    session: AsyncSession, *, school_id: UUID, request: PreviewRequest
) -> AudiencePreview:
    """Count the audience and show up to ten of those who would be mailed."""
    school = await get_school(session, school_id=school_id)
    question = await ask(session, school=school, audience=request.audience, message_type=request.message_type)
    scope = Scope(school_id, now(), school.timezone)
    counts, sample = await show_audience(session, scope=scope, question=question)
    recipients = counts.pop("recipients")
    return AudiencePreview(
        matched=recipients + sum(counts.values()), recipients=recipients, excluded=counts, sample=sample
    )
