"""`POST /v1/messages`: a message becomes a campaign, at once and in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.asking import ask
from app.audience.preview import count_audience
from app.audience.scope import Scope
from app.campaigns.lifecycle import Status
from app.campaigns.models import Campaign, CampaignLink
from app.campaigns.schemas import MessageContent, MessageCreate, Sender
from app.content.compile import Draft, compile_message
from app.content.compiled import CompiledMessage
from app.content.frame import Frame
from app.core.clock import now
from app.core.errors import Conflict, Fault, InvalidInput
from app.core.ids import new_id
from app.schools.audit.record import record
from app.schools.caller import Caller
from app.schools.models import School
from app.schools.service import get_school

FURTHEST = timedelta(days=366)
TOLERANCE_SHARE, TOLERANCE_PEOPLE = 0.05, 5


@dataclass(frozen=True, slots=True)
class Order:
    """A message to send, who sends it, and where the public endpoints are."""

    message: MessageCreate
    sender: Sender
    public_url: str


def name_sender(caller: Caller, named: Sender | None) -> Sender:
    """Return who sends: the person whose token it is, else whom the key's holder names, else the key.

    InvalidInput when a person names somebody else: only an API key acts for others.
    """
    itself = Sender.model_construct(id=caller.id, name=caller.name)
    if caller.key_id is not None:
        return named or itself
    if named is not None and named.id != caller.id:
        raise InvalidInput(errors=[Fault("/sent_by/id", "must be the token's own `sub`, or be left out")])
    return itself


async def accept_message(session: AsyncSession, *, school_id: UUID, order: Order) -> tuple[School, Campaign]:
    """Record the campaign, or raise what is wrong with it; nothing is recorded then."""
    message = order.message
    school = await get_school(session, school_id=school_id)
    at = now()
    check_schedule(message.send_at, at)
    compiled = compile_draft(message, school, order.public_url)
    question = await ask(session, school=school, audience=message.audience, message_type=message.message_type)
    scope = Scope(school.id, at, school.timezone)
    counts = await count_audience(session, scope=scope, question=question)
    check_counts(counts, message.expected_recipients)
    campaign = _make_campaign(order, school, compiled, at)
    session.add(campaign)
    session.add_all(
        CampaignLink(
            school_id=school.id, campaign_id=campaign.id, number=link.number, destination=link.destination
        )
        for link in compiled.links
    )
    details = {"message_type": message.message_type, "recipients": counts["recipients"]}
    record(
        session, "send.message", school_id=school_id, kind="campaign", object_id=campaign.id, details=details
    )
    await session.flush()
    return school, campaign


def check_schedule(send_at: datetime | None, at: datetime) -> None:
    """Refuse a time more than a year ahead; one already past means now."""
    if send_at is not None and send_at > at + FURTHEST:
        raise InvalidInput(errors=[Fault("/send_at", "is more than a year ahead")])


def check_counts(counts: Mapping[str, int], expected: int | None) -> None:
    """Refuse an audience of nobody, and one that is no longer what the sender saw."""
    recipients = counts["recipients"]
    if expected is not None:
        off = abs(recipients - expected)
        if off > TOLERANCE_PEOPLE and off > expected * TOLERANCE_SHARE:
            raise Conflict(
                f"The audience is now {recipients} recipients, not {expected} as expected.",
                expected_recipients=expected,
                recipients=recipients,
            )
    if not recipients:
        raise InvalidInput(errors=[Fault("/audience", "reaches nobody")])


def compile_draft(message: MessageContent, school: School, public_url: str) -> CompiledMessage:
    """Compile the message in its school's frame."""
    draft = Draft(
        message_type=message.message_type,
        subject=message.subject,
        html=message.html,
        text=message.text,
        preheader=message.preheader,
        track_opens=message.track_opens,
        track_clicks=message.track_clicks,
    )
    return compile_message(draft, Frame(school.name, school.postal_address, school.colour, public_url))


def _make_campaign(order: Order, school: School, compiled: CompiledMessage, at: datetime) -> Campaign:
    message = order.message
    sender = order.sender
    is_later = message.send_at is not None and message.send_at > at
    return Campaign(
        school_id=school.id,
        id=new_id(),
        name=message.name,
        message_type=message.message_type,
        status=Status.SCHEDULED if is_later else Status.PREPARING,
        subject=message.subject,
        preheader=message.preheader,
        html=message.html,
        text=message.text,
        compiled=compiled.to_json(),
        from_name=message.from_name or school.from_name,
        from_email=school.from_email,
        reply_to=message.reply_to or school.reply_to,
        audience=message.audience.model_dump(mode="json", exclude_unset=True),
        track_opens=message.track_opens,
        track_clicks=message.track_clicks,
        sent_by_id=sender.id,
        sent_by_name=sender.name,
        created_at=at,
        scheduled_for=message.send_at if is_later else None,
        sent_at=None if is_later else at,
    )
