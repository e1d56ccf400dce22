"""One recipient, and all that happened to their mail."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.campaigns.models import CampaignLink
from app.campaigns.schemas import LinkView
from app.core.errors import NotFound
from app.recipients.facts import FactKind
from app.recipients.models import EmailEvent
from app.recipients.standing import STANDING
from app.reports.brief import read_brief
from app.reports.calls import find_calling, find_doubts
from app.reports.reasons import explain
from app.reports.recipients import make_line
from app.reports.schemas import EventView, RecipientDetail
from app.reports.table import COLUMNS

MOST_EVENTS: Final = 1_000
SENT: Final = "sent"
_WORDS: Final[Mapping[str, str]] = {
    FactKind.SENT: SENT,
    FactKind.DELIVERED: "delivered",
    FactKind.DELAYED: "delayed",
    FactKind.SOFT_BOUNCED: "soft_bounced",
    FactKind.AUTO_REPLIED: "auto_replied",
    FactKind.BOUNCED: "bounced",
    FactKind.COMPLAINED: "complained",
    FactKind.REJECTED: "failed",
    FactKind.OPENED: "opened",
    FactKind.CLICKED: "clicked",
    FactKind.UNSUBSCRIBED: "unsubscribed",
    FactKind.RESUBSCRIBED: "resubscribed",
}
"""Kinds of the history in the words of the delivery statuses; others stand as they are."""


async def get_recipient(
    session: AsyncSession, *, school_id: UUID, campaign_id: UUID, number: int
) -> RecipientDetail:
    """Return a recipient with the first 1,000 events of their history, or raise NotFound."""
    key = {"school_id": school_id, "campaign_id": campaign_id}
    campaign = await read_brief(session, school_id=school_id, campaign_id=campaign_id)
    theirs = STANDING.c
    query = select(*COLUMNS, theirs.delivered_at, theirs.handoff, theirs.reason_at).where(
        theirs.school_id == school_id, theirs.campaign_id == campaign_id, theirs.number == number
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound("There is no such recipient.")
    calling = await find_calling(session, **key) if row.status == "queued" else []
    doubts = await find_doubts(session, **key, numbers=[number] if row.status == "unknown" else [])
    line = make_line(
        row,
        calling=number in calling,
        profile_template=campaign.profile_template,
        doubt=doubts.get(number),
    )
    found, omitted = await _read_events(session, school_id, campaign_id, number)
    links = await _read_links(session, school_id, campaign_id, {each.link for each in found if each.link})
    events = [*_remember_hand_off(row, heard={each.kind for each in found})]
    events += [_make_event(each, links, delivered=row.delivered_at is not None) for each in found]
    return RecipientDetail(
        **line._asdict(), events=sorted(events, key=lambda event: event.at), events_omitted=omitted
    )


async def _read_events(
    session: AsyncSession, school_id: UUID, campaign_id: UUID, number: int
) -> tuple[Sequence[EmailEvent], int]:
    """Return the first of the events, and how many more there are."""
    theirs = (
        EmailEvent.school_id == school_id,
        EmailEvent.campaign_id == campaign_id,
        EmailEvent.number == number,
    )
    query = select(EmailEvent).where(*theirs).order_by(EmailEvent.occurred_at, EmailEvent.key)
    found = (await session.scalars(query.limit(MOST_EVENTS))).all()
    if len(found) < MOST_EVENTS:
        return found, 0
    total = await session.scalar(select(func.count()).select_from(EmailEvent).where(*theirs))
    return found, (total or 0) - len(found)


async def _read_links(
    session: AsyncSession, school_id: UUID, campaign_id: UUID, numbers: Iterable[int]
) -> Mapping[int, LinkView]:
    query = select(CampaignLink.number, CampaignLink.destination).where(
        CampaignLink.school_id == school_id,
        CampaignLink.campaign_id == campaign_id,
        CampaignLink.number.in_(numbers),
    )
    return {number: LinkView(number=number, url=url) for number, url in await session.execute(query)}


def _make_event(event: EmailEvent, links: Mapping[int, LinkView], *, delivered: bool) -> EventView:
    known = event.kind in _WORDS
    return EventView(
        kind=_WORDS.get(event.kind, event.kind),
        at=event.occurred_at,
        reason=explain(FactKind(event.kind), event.code, delivered=delivered) if known else None,
        code=event.code,
        diagnostic=event.diagnostic,
        machine=event.machine,
        link=links.get(event.link or 0),
    )


def _remember_hand_off(row: Any, *, heard: set[str]) -> Iterable[EventView]:  # of the query above
    """Tell of SES's answer to the call, which is no event of the history: only its events are."""
    if row.accepted_at is not None and FactKind.SENT not in heard:
        yield _tell(SENT, row.accepted_at)
    elif row.accepted_at is None and row.handoff == "refused" and row.reason_at is not None:
        reason = explain(FactKind.REFUSED, row.reason_code)
        yield _tell("failed", row.reason_at, reason, row.reason_code, row.diagnostic)


def _tell(
    kind: str,
    at: datetime,
    reason: str | None = None,
    code: str | None = None,
    diagnostic: str | None = None,
) -> EventView:
    return EventView(
        kind=kind, at=at, reason=reason, code=code, diagnostic=diagnostic, machine=None, link=None
    )
