"""How many an audience would reach, how many not and why, and a few of them by name."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.base import Scope
from app.audience.resolve import REASONS, Question, count_judged, judge_audience
from app.audience.schemas import AudiencePreview, PreviewPerson

SAMPLE = 10


async def count_audience(session: AsyncSession, *, scope: Scope, question: Question) -> Mapping[str, int]:
    """Return how many users fall to each reason; those to be mailed stand under `recipients`."""
    rows = (await session.execute(count_judged(judge_audience(scope, question)))).all()
    counts = {row[0] or "recipients": row[1] for row in rows}
    return {"recipients": 0, **dict.fromkeys(REASONS, 0), **counts}


async def preview_audience(session: AsyncSession, *, scope: Scope, question: Question) -> AudiencePreview:
    """Count the audience and show up to ten of those who would be mailed."""
    counts = dict(await count_audience(session, scope=scope, question=question))
    judged = judge_audience(scope, question)
    people = await session.execute(
        select(judged.c.external_id, judged.c.first_name, judged.c.last_name, judged.c.email)
        .where(judged.c.reason.is_(None))
        .order_by(judged.c.external_id)
        .limit(SAMPLE)
    )
    recipients = counts.pop("recipients")
    return AudiencePreview(
        matched=recipients + sum(counts.values()),
        recipients=recipients,
        excluded=counts,
        sample=[
            PreviewPerson(
                user=row.external_id, name=f"{row.first_name} {row.last_name}".strip(), email=row.email
            )
            for row in people
        ],
    )
