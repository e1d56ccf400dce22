"""Plan: freeze the audience of a campaign and cut it into batches, in one transaction."""

from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.audience import Audience, FilteredAudience
from app.audience.lists.service import resolve_audience
from app.audience.references import find_missing
from app.audience.resolve import Question, judge_audience, tune_planner
from app.audience.scope import Scope
from app.campaigns.lifecycle import Move, Status, move
from app.campaigns.models import Campaign
from app.content.compiled import CompiledMessage
from app.content.merge import ATTRIBUTE_PREFIX
from app.core.clock import now
from app.core.errors import InvalidInput
from app.directory.erasure import hold_erasures
from app.recipients.freeze import freeze_recipients
from app.schools.service import get_school

BATCH_SIZE = 50
"""SES's most destinations in one SendBulkEmail call."""

log = structlog.get_logger(__name__)

_CUT_BATCHES = text("""
    INSERT INTO batches (school_id, campaign_id, recipients)
    SELECT :school_id, :campaign_id,
        ARRAY(SELECT generate_series(first, least(first + :size - 1, :recipients)))
    FROM generate_series(1, :recipients, :size) AS first
    ORDER BY first
""")


async def prepare_campaign(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, batch_size: int = BATCH_SIZE
) -> None:
    """Freeze the campaign's recipients and put it to sending.

    Does nothing if that was done before. Whoever finds another at it leaves: a million recipients take
    seconds, and waiting for the lock would tie up a connection for every sweep meanwhile.
    """
    campaign = await _lock_campaign(session, school_id, campaign_id)
    if campaign is None:
        return
    try:
        asked = Audience.model_validate(campaign.audience)
        audience = await resolve_audience(session, school_id=school_id, audience=asked)
    except ValidationError:
        log.exception("audience cannot be read", campaign_id=str(campaign_id))
        _fail(campaign, "The audience can no longer be understood.")
        return
    except InvalidInput:
        _fail(campaign, "The mailing list it was for was removed.")
        return
    if asked.mailing_list_id is not None:  # whom it meant stays on record, whatever becomes of the list
        campaign.audience = campaign.audience | audience.model_dump(mode="json", exclude_unset=True)
    elif missing := await find_missing(session, school_id=school_id, audience=audience):
        # Without its group, "all but this group" would be everybody.
        _fail(campaign, f"The audience names what is no more: {missing[0].detail}.")
        return
    await _freeze(session, campaign, audience, batch_size)


async def fail_campaign(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> None:
    """Give up a campaign whose preparation fails for a reason that is not in its message or audience."""
    campaign = await _lock_campaign(session, school_id, campaign_id)
    if campaign is not None:
        _fail(campaign, "It could not be prepared: a fault of the product, which its log describes.")


async def _lock_campaign(session: AsyncSession, school_id: UUID, campaign_id: UUID) -> Campaign | None:
    found: Campaign | None = await session.scalar(
        select(Campaign)
        .where(
            Campaign.school_id == school_id, Campaign.id == campaign_id, Campaign.status == Status.PREPARING
        )
        .with_for_update(skip_locked=True)
    )
    return found


async def _freeze(
    session: AsyncSession, campaign: Campaign, audience: FilteredAudience, batch_size: int
) -> None:
    await hold_erasures(session, school_id=campaign.school_id)
    school = await get_school(session, school_id=campaign.school_id)
    compiled = CompiledMessage.from_json(campaign.compiled)
    question = Question(audience, campaign.message_type, school.require_opt_in)  # type: ignore[arg-type]
    scope = Scope(campaign.school_id, now(), school.timezone)
    await tune_planner(session, school_id=campaign.school_id)
    frozen = await freeze_recipients(
        session,
        school_id=campaign.school_id,
        campaign_id=campaign.id,
        judged=judge_audience(scope, question),
        attributes=[
            name.removeprefix(ATTRIBUTE_PREFIX)
            for name in compiled.merge_fields
            if name.startswith(ATTRIBUTE_PREFIX)
        ],
    )
    campaign.frozen_at = now()
    if not frozen.recipients:
        _fail(campaign, "The audience reached nobody when sending started.")
        return
    await session.execute(
        _CUT_BATCHES,
        {
            "school_id": campaign.school_id,
            "campaign_id": campaign.id,
            "recipients": frozen.recipients,
            "size": batch_size,
        },
    )
    campaign.status = move(Status(campaign.status), Move.START)
    log.info("campaign prepared", campaign_id=str(campaign.id), recipients=frozen.recipients)


def _fail(campaign: Campaign, reason: str) -> None:
    campaign.status = move(Status(campaign.status), Move.FAIL)
    campaign.status_reason = reason
    campaign.completed_at = now()
