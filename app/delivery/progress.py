"""How far campaigns are: their counters, and what is in a call to SES right now."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.stats import Stats
from app.campaigns.views import make_stats
from app.delivery.models import Batch
from app.recipients.models import CampaignCounters


async def read_stats(
    session: AsyncSession, *, school_id: UUID, campaign_ids: Sequence[UUID]
) -> Mapping[UUID, Stats]:
    """Return the stats of each campaign named: two indexed look-ups, whatever the number of recipients."""
    counters = {
        row.campaign_id: row
        for row in await session.scalars(
            select(CampaignCounters).where(
                CampaignCounters.school_id == school_id,
                CampaignCounters.campaign_id == func.any(list(campaign_ids)),
            )
        )
    }
    calling = {
        row.campaign_id: row.recipients
        for row in await session.execute(
            select(Batch.campaign_id, func.sum(func.cardinality(Batch.recipients)).label("recipients"))
            .where(
                Batch.school_id == school_id,
                Batch.campaign_id == func.any(list(campaign_ids)),
                Batch.state == "calling",
            )
            .group_by(Batch.campaign_id)
        )
    }
    return {
        campaign_id: make_stats(_as_mapping(counters.get(campaign_id)), sending=calling.get(campaign_id, 0))
        for campaign_id in campaign_ids
    }


def _as_mapping(row: CampaignCounters | None) -> Mapping[str, int]:
    return {} if row is None else {name: getattr(row, name) for name in row.__table__.columns.keys()}  # noqa: SIM118
