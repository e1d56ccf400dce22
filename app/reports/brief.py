"""What reports of a campaign need to know of it: that it is there, and what to call it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign
from app.core.errors import NotFound


@dataclass(frozen=True, slots=True)
class Brief:
    """A campaign without what it said, which may be half a megabyte."""

    name: str | None
    subject: str
    sent_at: datetime | None


async def read_brief(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> Brief:
    """Return the campaign in brief, or raise NotFound."""
    query = select(Campaign.name, Campaign.subject, Campaign.sent_at).where(
        Campaign.school_id == school_id, Campaign.id == campaign_id
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound("There is no such campaign.")
    return Brief(*row)
