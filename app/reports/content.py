"""What a campaign sent, to be looked at: as somebody of whom nothing is known would have got it."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.service import get_campaign
from app.content.compiled import CompiledMessage, Rendered
from app.content.inert import make_nobody, render_inert
from app.schools.service import get_school


async def read_content(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, public_url: str
) -> Rendered:
    """Return the message as compiled for sending, with fallbacks and without tracking; or raise NotFound."""
    campaign = await get_campaign(session, school_id=school_id, campaign_id=campaign_id)
    school = await get_school(session, school_id=school_id)
    return render_inert(CompiledMessage.from_json(campaign.compiled), make_nobody(school.name), public_url)
