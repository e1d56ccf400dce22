"""Freezing an audience: everyone matched becomes a recipient or an exclusion, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, FromClause, func, literal, null, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.recipients.models import CampaignCounters, Exclusion, Recipient


@dataclass(frozen=True, slots=True)
class Frozen:
    """How many became recipients (numbered from 1 on), and how many were excluded, by reason."""

    recipients: int
    excluded: Mapping[str, int]


async def freeze_recipients(
    session: AsyncSession,
    *,
    school_id: UUID,
    campaign_id: UUID,
    judged: FromClause,
    attributes: Sequence[str],
) -> Frozen:
    """Write recipients, exclusions and counters of a judged audience (`audience.resolve.judge_audience`).

    Of each user's attributes only those that the message merges are copied. Recipients are numbered first,
    the excluded after them, so that no two people of a campaign ever share a number. The audience is judged
    once for each: in one statement it cannot come out differently, and it is faster than to keep it between.
    """
    keys = (literal(school_id), literal(campaign_id))
    place = func.row_number().over(order_by=judged.c.external_id)
    wire_address = func.nullif(judged.c.wire_address, judged.c.email)
    snapshot = (wire_address if name == "wire_address" else judged.c[name] for name in _SNAPSHOT)
    to_mail = select(*keys, place, *snapshot, _pick(judged, attributes)).where(judged.c.reason.is_(None))
    mailing = insert(Recipient).from_select(_RECIPIENT_COLUMNS, to_mail)
    mailed = mailing.returning(Recipient.number).cte("mailed")
    counted = select(func.count()).select_from(mailed).scalar_subquery()
    name = func.btrim(judged.c.first_name + " " + judged.c.last_name)
    left_out = select(
        *keys, counted + place, judged.c.external_id, judged.c.email, name, judged.c.reason
    ).where(judged.c.reason.is_not(None))
    excluding = insert(Exclusion).from_select(_EXCLUSION_COLUMNS, left_out)
    excluded = excluding.returning(Exclusion.reason).cte("excluded")
    counting = union_all(
        select(null().label("reason"), counted),
        select(excluded.c.reason, func.count()).group_by(excluded.c.reason),
    )
    counts = {row[0]: row[1] for row in await session.execute(counting)}
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


_SNAPSHOT = ("external_id", "email", "wire_address", "address_key", "first_name", "last_name")
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


def _pick(judged: FromClause, keys: Sequence[str]) -> ColumnElement[Any]:
    pairs = [part for key in keys for part in (literal(key), judged.c.attributes[key])]
    return func.jsonb_build_object(*pairs)
