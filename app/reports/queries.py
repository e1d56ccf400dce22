"""What the reports read: indexed rows by key, never a count while somebody waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign, CampaignLink
from app.delivery.doubt import Doubt
from app.delivery.models import Batch
from app.recipients.models import Recipient


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
            pattern = f"%{_escape_like(self.q)}%"
            found.append(or_(Campaign.name.ilike(pattern), Campaign.subject.ilike(pattern)))
        return found


@dataclass(frozen=True, slots=True)
class RecipientFilter:
    """What narrows the table of recipients."""

    delivery_status: str | None = None
    opened: bool | None = None
    clicked: bool | None = None
    q: str | None = None

    def conditions(self, calling: Sequence[int]) -> list[ColumnElement[bool]]:
        """Return the conditions of those that are set; `calling` are the numbers in a call right now."""
        found: list[ColumnElement[bool]] = []
        if self.delivery_status == "sending":
            found.append(and_(Recipient.status == "queued", Recipient.number == func.any(list(calling))))
        elif self.delivery_status == "queued":
            found.append(and_(Recipient.status == "queued", Recipient.number != func.all(list(calling))))
        elif self.delivery_status:
            found.append(Recipient.status == self.delivery_status)
        if self.opened is not None:
            opened = or_(Recipient.open_count > 0, Recipient.click_count > 0)
            found.append(opened if self.opened else ~opened)
        if self.clicked is not None:
            found.append(Recipient.click_count > 0 if self.clicked else Recipient.click_count == 0)
        if self.q:
            pattern = f"%{_escape_like(self.q)}%"
            name = Recipient.first_name + " " + Recipient.last_name
            found.append(or_(name.ilike(pattern), Recipient.email.ilike(pattern)))
        return found


def _escape_like(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


async def list_campaigns(
    session: AsyncSession,
    *,
    school_id: UUID,
    where: CampaignFilter,
    after: tuple[datetime | None, UUID] | None,
    limit: int,
) -> Sequence[Campaign]:
    """Return campaigns, those still scheduled first, then newest first."""
    query = select(Campaign).where(Campaign.school_id == school_id, *where.conditions())
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


def _select_recipients(school_id: UUID, campaign_id: UUID) -> Select[Recipient]:
    return select(Recipient).where(Recipient.school_id == school_id, Recipient.campaign_id == campaign_id)


async def list_recipients(
    session: AsyncSession,
    *,
    school_id: UUID,
    campaign_id: UUID,
    conditions: Sequence[ColumnElement[bool]],
    after: int,
    limit: int,
) -> Sequence[Recipient]:
    """Return recipients in the order of their numbers."""
    query = _select_recipients(school_id, campaign_id).where(Recipient.number > after, *conditions)
    return (await session.scalars(query.order_by(Recipient.number).limit(limit))).all()
