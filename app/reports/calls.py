"""What the calls to SES say of recipients: who is in one now, and why the fate of some is not known."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.delivery.doubt import Doubt
from app.delivery.models import Batch


async def find_calling(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> list[int]:
    """Return the numbers of the recipients that are in a call to SES right now."""
    query = select(func.unnest(Batch.recipients)).where(
        Batch.school_id == school_id, Batch.campaign_id == campaign_id, Batch.state == "calling"
    )
    return list(await session.scalars(query))


async def find_doubts(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, numbers: Sequence[int]
) -> dict[int, Doubt]:
    """Return why each of these unknown recipients is so, and whether evidence may still come."""
    if not numbers:
        return {}
    query = select(Batch.recipients, Batch.doubt, Batch.state).where(
        Batch.school_id == school_id,
        Batch.campaign_id == campaign_id,
        Batch.state.in_(("unknown", "undecided")),
        Batch.recipients.overlap(list(numbers)),
    )
    return {
        number: Doubt(row.doubt, waits=row.state == "unknown")
        for row in await session.execute(query)
        for number in row.recipients
    }
