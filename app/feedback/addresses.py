"""What fresh facts mean for the address: whether it may still be mailed, and what it wishes."""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_lean
from app.directory.consent import (
    SOFT_BOUNCED,
    SUBSCRIBABLE,
    ConsentChange,
    change_consent,
    lift_suppressions,
    suppress_addresses,
)
from app.feedback.soft_bounces import Holder, judge_soft_bounces
from app.recipients.facts import Fact, FactKind, RecipientKey

_REASONS: Final = {FactKind.BOUNCED: "bounced", FactKind.COMPLAINED: "complained"}
_JUDGED: Final = {FactKind.SOFT_BOUNCED, FactKind.DELIVERED}
# A delivery tells something only where there were soft bounces before, which is seldom.
_HOLDERS: Final = """
    SELECT r.school_id, r.campaign_id, r.number, r.address_key, r.email, r."user"
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::bool[])
        AS k (school_id, campaign_id, number, delivered)
    JOIN recipients r ON (r.school_id, r.campaign_id, r.number) = (k.school_id, k.campaign_id, k.number)
    WHERE NOT k.delivered OR EXISTS (
        SELECT FROM soft_bounces s WHERE s.school_id = r.school_id AND s.address_key = r.address_key
    )
"""


async def act_on_addresses(connection: AsyncConnection, fresh: Sequence[Fact]) -> None:
    """Suppress after a permanent bounce, a complaint, or soft bounces in a row.

    A complaint also unsubscribes from everything. A delivery that comes late can show that the soft bounces
    were not in a row: what they had suppressed is then mailed again.
    """
    telling = [fact for fact in fresh if fact.kind in _REASONS or fact.kind in _JUDGED]
    if not telling:
        return
    holders = await _find_holders(connection, telling)
    soft = [
        (holders[fact.recipient], fact)
        for fact in telling
        if fact.kind in _JUDGED and fact.recipient in holders
    ]
    verdict = await judge_soft_bounces(connection, soft)
    suppressions = {(run.school_id, run.address_key): _suppress(run, SOFT_BOUNCED) for run in verdict.runs}
    grave = [fact for fact in telling if fact.kind in _REASONS]
    for fact in reversed(grave):  # the first reason stays, and soft bounces give way
        holder = holders[fact.recipient]
        suppressions[holder.school_id, holder.address_key] = _suppress(holder, _REASONS[fact.kind])
    await lift_suppressions(connection, verdict.broken, reason=SOFT_BOUNCED)
    await suppress_addresses(connection, suppressions.values())
    complaints = [fact for fact in grave if fact.kind is FactKind.COMPLAINED]
    for fact in sorted(complaints, key=lambda fact: fact.recipient.order()):
        await _unsubscribe_complainer(connection, fact, holders[fact.recipient].address_key)


async def _find_holders(connection: AsyncConnection, facts: Sequence[Fact]) -> Mapping[RecipientKey, Holder]:
    """Return whose address each fact that tells something is about.

    Read once the recipients are locked: nobody can be erased between this and what is made of it.
    """
    keys = [fact.recipient for fact in facts]
    columns = ([k.school_id for k in keys], [k.campaign_id for k in keys], [k.number for k in keys])
    delivered = [fact.kind is FactKind.DELIVERED for fact in facts]
    rows = await run_lean(connection, _HOLDERS, *columns, delivered)
    return {
        RecipientKey(row[0], row[1], row[2]): Holder(row[0], row[3], row[1], row[4], row[5]) for row in rows
    }


def _suppress(holder: Holder, reason: str) -> dict[str, object]:
    return {
        "school_id": holder.school_id,
        "address_key": holder.address_key,
        "email": holder.email,
        "reason": reason,
        "origin": "ses",
        "campaign_id": holder.campaign_id,
    }


async def _unsubscribe_complainer(connection: AsyncConnection, fact: Fact, address_key: bytes) -> None:
    for message_type in SUBSCRIBABLE:
        await change_consent(
            connection,
            ConsentChange(
                school_id=fact.recipient.school_id,
                address_key=address_key,
                message_type=message_type,
                unsubscribed=True,
                source="complaint",
                campaign_id=fact.recipient.campaign_id,
                at=fact.at,
            ),
        )
