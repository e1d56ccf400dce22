"""Who was left out of a campaign, and why."""

from uuid import UUID

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.resolve import ExclusionReason
from app.campaigns.service import get_campaign
from app.core.pages import decode_cursor, make_page
from app.core.schema import Page, View, exemplify
from app.recipients.models import Exclusion


class ExclusionView(View):
    """Somebody the audience matched who is not mailed; who was erased since is known by the reason alone."""

    model_config = exemplify(
        user="u-12", name="Leo Brandt", email="leo.brandt@mail.example", reason="suppressed"
    )

    user: str | None = Field(description="The platform's own id; null once the person was erased.")
    name: str
    email: str | None = Field(description="Null once the person was erased.")
    reason: ExclusionReason


async def list_exclusions(
    session: AsyncSession,
    *,
    school_id: UUID,
    campaign_id: UUID,
    reason: ExclusionReason | None,
    limit: int,
    cursor: str | None,
) -> Page[ExclusionView]:
    """Return a page of a campaign's exclusions, in the order of their numbers."""
    await get_campaign(session, school_id=school_id, campaign_id=campaign_id)
    after = decode_cursor(cursor, int)[0] if cursor else 0
    query = select(Exclusion).where(
        Exclusion.school_id == school_id, Exclusion.campaign_id == campaign_id, Exclusion.number > after
    )
    if reason is not None:
        query = query.where(Exclusion.reason == reason)
    rows = (await session.scalars(query.order_by(Exclusion.number).limit(limit + 1))).all()
    return make_page(rows, limit=limit, view=ExclusionView.model_validate, key=lambda row: (row.number,))
