"""Freezing an audience: everyone matched becomes a recipient or an exclusion, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.recipients.models import CampaignCounters, Exclusion, Recipient


@dataclass(frozen=True, slots=True)
class Frozen:
    """How many became recipients (numbered from 1 on), and how many were excluded, by reason."""

    recipients: int
    excluded: Mapping[str, int]


async def freeze_recipients(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, judged: CTE, attributes: Sequence[str]
) -> Frozen:
    """Write recipients, exclusions and counters of a judged audience (`audience.resolve.judge_audience`).

    Of each user's attributes only those that the message merges are copied. Recipients are numbered first,
    the excluded after them, so that no two people of a campaign ever share a number.
    """
    place = func.row_number().over(order_by=(judged.c.reason.is_not(None), judged.c.external_id))
    numbered = select(judged, place.label("number")).cte("numbered")
    to_mail = select(
        literal(school_id),
        literal(campaign_id),
        numbered.c.number,
        numbered.c.external_id,
        numbered.c.email,
        numbered.c.wire_address,
        numbered.c.address_key,
        numbered.c.first_name,
        numbered.c.last_name,
        _pick(numbered, attributes),
    ).where(numbered.c.reason.is_(None))
    left_out = select(
        literal(school_id),
        literal(campaign_id),
        numbered.c.number,
        numbered.c.external_id,
        numbered.c.email,
        func.btrim(numbered.c.first_name + " " + numbered.c.last_name),
        numbered.c.reason,
    ).where(numbered.c.reason.is_not(None))
    mailed = insert(Recipient).from_select(_RECIPIENT_COLUMNS, to_mail).cte("mailed")
    excluded = insert(Exclusion).from_select(_EXCLUSION_COLUMNS, left_out).cte("excluded")
    counting = select(numbered.c.reason, func.count()).group_by(numbered.c.reason)
    counts = {row[0]: row[1] for row in await session.execute(counting.add_cte(mailed, excluded))}
    frozen = Frozen(counts.pop(None, 0), counts)
    session.add(
        CampaignCounters(
            school_id=school_id,
            campaign_id=campaign_id,
            recipients=frozen.recipients,
            **{f"{reason}_excluded": count for reason, count in frozen.excluded.items()},
        )
    )
    await session.flush()
    return frozen


_RECIPIENT_COLUMNS = [
    "school_id",
    "campaign_id",
    "number",
    "user",
    "email",
    "wire_address",
    "address_key",
    "first_name",
    "last_name",
    "attributes",
]
_EXCLUSION_COLUMNS = ["school_id", "campaign_id", "number", "user", "email", "name", "reason"]


def _pick(numbered: CTE, keys: Sequence[str]) -> ColumnElement[Any]:
    pairs = [part for key in keys for part in (literal(key), numbered.c.attributes[key])]
    return func.jsonb_build_object(*pairs)
