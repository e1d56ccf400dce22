"""What campaigns hold on a person: their mail, with status and events, and what they were left out of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import Campaign
from app.core.schema import Instant, JsonObject, View
from app.directory.models import User
from app.recipients.models import EmailEvent, Exclusion, Recipient

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
    recipients = await _read_rows(session, Recipient, user)
    exclusions = await _read_rows(session, Exclusion, user)
    events = await _read_events(session, user, [(row.campaign_id, row.number) for row, _ in recipients])
    return {
        "campaigns": [
            {"subject": subject, **_show(HeldRecipient, row), "events": events[row.campaign_id, row.number]}
            for row, subject in recipients
        ],
        "exclusions": [{"subject": subject, **_show(HeldExclusion, row)} for row, subject in exclusions],
    }


def _show(view: type[View], row: Any) -> JsonObject:  # a row with the view's fields
    return view.model_validate(row).model_dump(mode="json")


async def _read_rows(session: AsyncSession, model: Any, user: User) -> list[tuple[Any, str | None]]:
    query = (
        select(model, Campaign.subject)
        .outerjoin(Campaign, (Campaign.school_id == model.school_id) & (Campaign.id == model.campaign_id))
        .where(model.school_id == user.school_id, model.user == user.external_id)
        .order_by(model.campaign_id)
    )
    return [(row[0], row[1]) for row in await session.execute(query)]


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
