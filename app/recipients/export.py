"""What campaigns hold on a person: their mail, with status and events, and what they were left out of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import FromClause, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign
from app.core.schema import Instant, JsonObject, View
from app.directory.models import User
from app.recipients.models import EmailEvent, Exclusion
from app.recipients.standing import STANDING

Place = tuple[UUID, int]


class HeldEvent(View):
    """One event of the history."""

    kind: str
    occurred_at: Instant
    machine: str | None
    link: int | None
    code: str | None
    diagnostic: str | None
    agent: str | None


class HeldRecipient(View):
    """One mail: what of the person was copied for it, and the facts."""

    campaign_id: UUID
    number: int
    email: str | None
    first_name: str
    last_name: str
    attributes: dict[str, Any]
    status: str
    accepted_at: Instant | None
    message_id: str | None
    delivered_at: Instant | None
    soft_bounced_at: Instant | None
    auto_replied_at: Instant | None
    bounced_at: Instant | None
    complained_at: Instant | None
    rejected_at: Instant | None
    reason_code: str | None
    diagnostic: str | None
    first_opened_at: Instant | None
    last_opened_at: Instant | None
    open_count: int
    machine_open_count: int
    first_clicked_at: Instant | None
    last_clicked_at: Instant | None
    click_count: int
    machine_click_count: int
    unsubscribed: bool
    unsubscribed_at: Instant | None


class HeldExclusion(View):
    """One campaign they were left out of."""

    campaign_id: UUID
    email: str | None
    name: str
    reason: str


async def read_from_campaigns(session: AsyncSession, user: User) -> Mapping[str, Sequence[JsonObject]]:
    """Return `campaigns` and `exclusions`, each with the campaign's subject, oldest first."""
    recipients = await _read_rows(session, STANDING, user)
    exclusions = await _read_rows(session, Exclusion.__table__, user)
    events = await _read_events(session, user, [(row.campaign_id, row.number) for row in recipients])
    return {
        "campaigns": [
            {
                "subject": row.subject,
                **_show(HeldRecipient, row),
                "events": events[row.campaign_id, row.number],
            }
            for row in recipients
        ],
        "exclusions": [{"subject": row.subject, **_show(HeldExclusion, row)} for row in exclusions],
    }


def _show(view: type[View], row: Any) -> JsonObject:  # a row with the view's fields
    return view.model_validate(row).model_dump(mode="json")


async def _read_rows(session: AsyncSession, held: FromClause, user: User) -> Sequence[Any]:
    theirs = held.c
    query = (
        select(*theirs, Campaign.subject)
        .select_from(held)
        .outerjoin(Campaign, (Campaign.school_id == theirs.school_id) & (Campaign.id == theirs.campaign_id))
        .where(theirs.school_id == user.school_id, theirs.user == user.external_id)
        .order_by(theirs.campaign_id)
    )
    return (await session.execute(query)).all()


async def _read_events(
    session: AsyncSession, user: User, places: Sequence[Place]
) -> Mapping[Place, list[JsonObject]]:
    rows = await session.scalars(
        select(EmailEvent)
        .where(
            EmailEvent.school_id == user.school_id,
            tuple_(EmailEvent.campaign_id, EmailEvent.number).in_(places),
        )
        .order_by(EmailEvent.occurred_at, EmailEvent.key)
    )
    found: dict[Place, list[JsonObject]] = defaultdict(list)
    for row in rows:
        found[row.campaign_id, row.number].append(_show(HeldEvent, row))
    return found
