"""What reports of a campaign need to know of it and its school: that it is there, and how it is shown."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, false, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.lifecycle import Status
from app.campaigns.models import Campaign
from app.core.errors import NotFound
from app.recipients.models import CampaignCounters
from app.schools.models import School

_BEGUN = CampaignCounters.sent + CampaignCounters.unknown + CampaignCounters.failed_before


@dataclass(frozen=True, slots=True)
class Brief:
    """A campaign without what it said, which may be half a megabyte, and its school's way of showing it."""

    name: str | None
    subject: str
    status: str
    sent_at: datetime | None
    timezone: str
    profile_template: str | None
    all_begun: bool
    """Whether something is known of each recipient, and none is queued."""

    @property
    def is_in_calls(self) -> bool:
        """Whether some of it may be in a call to SES: it is not sent before the last call has ended."""
        return self.status != Status.SENT


async def read_brief(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> Brief:
    """Return the campaign in brief, or raise NotFound."""
    query = (
        select(
            Campaign.name,
            Campaign.subject,
            Campaign.status,
            Campaign.sent_at,
            School.timezone,
            School.profile_url_template,
            func.coalesce(CampaignCounters.recipients == _BEGUN, false()),
        )
        .join(School, School.id == Campaign.school_id)
        .outerjoin(
            CampaignCounters,
            and_(
                CampaignCounters.school_id == Campaign.school_id, CampaignCounters.campaign_id == Campaign.id
            ),
        )
        .where(Campaign.school_id == school_id, Campaign.id == campaign_id)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound("There is no such campaign.")
    return Brief(*row)
