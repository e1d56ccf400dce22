"""How many an audience would reach, how many not and why, and a few of them by name."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.asking import ask
from app.audience.resolve import REASONS, Question, count_judged, tune_planner
from app.audience.schemas import AudiencePreview, PreviewPerson, PreviewRequest
from app.audience.scope import Scope
from app.core.clock import now
from app.schools.service import get_school

SAMPLE = 10


async def count_audience(session: AsyncSession, *, scope: Scope, question: Question) -> Mapping[str, int]:
    """Return how many users fall to each reason; those to be mailed stand under `recipients`."""
    return (await show_audience(session, scope=scope, question=question, sample=0))[0]


async def show_audience(
    session: AsyncSession, *, scope: Scope, question: Question, sample: int = SAMPLE
) -> tuple[dict[str, int], list[PreviewPerson]]:
    """Return the counts of `count_audience`, and some of those who would be mailed."""
    await tune_planner(session)
    found = (await session.execute(count_judged(scope, question, sample=sample))).one()
    excluded: dict[str, int] = found.excluded or {}
    counts: dict[str, int] = {
        "recipients": found.matched - sum(excluded.values()),
        **dict.fromkeys(REASONS, 0),
        **excluded,
    }
    people = (found.sample or ()) if sample else ()
    return counts, [
        PreviewPerson(
            user=each["external_id"],
            name=f"{each['first_name']} {each['last_name']}".strip(),
            email=each["email"],
        )
        for each in people
    ]


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
