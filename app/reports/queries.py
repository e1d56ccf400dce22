"""What the reports read: indexed rows by key, never a count while somebody waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import load_only

from app.campaigns.models import Campaign, CampaignLink
from app.reports.narrowing import escape_like

# Of a list's fifty messages nobody asks for the half megabyte that each may say.
_ROW: Final = load_only(
    Campaign.name,
    Campaign.message_type,
    Campaign.status,
    Campaign.status_reason,
    Campaign.subject,
    Campaign.sent_at,
    Campaign.listed_at,
    Campaign.sent_by_id,
    Campaign.sent_by_name,
    Campaign.scheduled_for,
    Campaign.completed_at,
    raiseload=True,
)


@dataclass(frozen=True, slots=True)
class CampaignFilter:
    """What narrows the list of campaigns."""

    message_type: str | None = None
    status: str | None = None
    sent_after: datetime | None = None
    sent_before: datetime | None = None
    q: str | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the conditions of those that are set."""
        found: list[ColumnElement[bool]] = []
        if self.message_type:
            found.append(Campaign.message_type == self.message_type)
        if self.status:
            found.append(Campaign.status == self.status)
        if self.sent_after:
            found.append(Campaign.sent_at >= self.sent_after)
        if self.sent_before:
            found.append(Campaign.sent_at < self.sent_before)
        if self.q:
            pattern = f"%{escape_like(self.q)}%"
            found.append(or_(Campaign.name.ilike(pattern), Campaign.subject.ilike(pattern)))
        return found


async def list_campaigns(
    session: AsyncSession,
    *,
    school_id: UUID,
    where: CampaignFilter,
    after: tuple[datetime | None, UUID] | None,
    limit: int,
) -> Sequence[Campaign]:
    """Return campaigns, those still scheduled first, then newest first."""
    query = select(Campaign).where(Campaign.school_id == school_id, *where.conditions()).options(_ROW)
    if after is not None:
        query = query.where(_comes_after(*after))
    query = query.order_by(Campaign.listed_at.desc().nulls_first(), Campaign.id.desc()).limit(limit)
    return (await session.scalars(query)).all()


def _comes_after(listed_at: datetime | None, campaign_id: UUID) -> ColumnElement[bool]:
    if listed_at is None:
        return or_(
            and_(Campaign.listed_at.is_(None), Campaign.id < campaign_id), Campaign.listed_at.is_not(None)
        )
    return tuple_(Campaign.listed_at, Campaign.id) < tuple_(listed_at, campaign_id)


async def list_links(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> Sequence[CampaignLink]:
    """Return the campaign's links in their order."""
    query = select(CampaignLink).where(
        CampaignLink.school_id == school_id, CampaignLink.campaign_id == campaign_id
    )
    return (await session.scalars(query.order_by(CampaignLink.number))).all()
