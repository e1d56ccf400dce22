"""Wishes of recipients: found by their token, recorded through the group commit, effective at once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from app.campaigns.models import Campaign
from app.core.clock import now
from app.core.db import Database
from app.core.group_commit import GroupCommit
from app.core.signing import RecipientRef
from app.directory.consent import SUBSCRIBABLE, Consent, ConsentChange, change_consent, read_consent
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.models import Recipient
from app.recipients.record import record_facts
from app.recipients.rows import hold_recipients, read_recipients
from app.schools.models import School


@dataclass(frozen=True, slots=True)
class Subscriber:
    """The person behind a token: whose mail it was, and what the address wishes."""

    ref: RecipientRef
    address_key: bytes
    message_type: str
    school: str
    colour: str | None
    consent: Consent

    @property
    def can_unsubscribe(self) -> bool:
        """Operational mail has no subscription to leave."""
        return self.message_type in SUBSCRIBABLE


@dataclass(frozen=True, slots=True)
class Wish:
    """What a recipient asks for; with `marks`, the report of that recipient's campaign shows it too."""

    change: ConsentChange
    marks: RecipientKey | None


def make_wishes(database: Database) -> GroupCommit[Wish]:
    """Return the road of wishes: each is durable, and binding, when its submission returns."""

    async def write(wishes: Sequence[Wish]) -> None:
        async with database.connection() as connection:
            await record_facts(connection, await _find_news(connection, wishes))
            # In one order, so that nobody waits for one who waits for them; an address's own keep theirs.
            for change in sorted((wish.change for wish in wishes), key=_place):
                await change_consent(connection, change)

    return GroupCommit(write, most=100)


def _place(change: ConsentChange) -> tuple[UUID, bytes]:
    return change.school_id, change.address_key


async def _find_news(connection: AsyncConnection, wishes: Sequence[Wish]) -> list[Fact]:
    """Return a fact for each wish that the report does not show yet: mail programs repeat their POST."""
    keys = sorted({wish.marks for wish in wishes if wish.marks}, key=RecipientKey.order)
    await hold_recipients(connection, keys)
    shown = {row.key: row.before.unsubscribed for row in await read_recipients(connection, keys)}
    news = []
    for wish in wishes:
        if wish.marks in shown and shown[wish.marks] != wish.change.unsubscribed:
            shown[wish.marks] = wish.change.unsubscribed
            news.append(_make_fact(wish.marks, unsubscribed=wish.change.unsubscribed, at=wish.change.at))
    return news


async def find_subscriber(database: Database, ref: RecipientRef) -> Subscriber | None:
    """Return who a token stands for; None when the recipient is no more."""
    async with database.connection() as connection:
        row = (
            await connection.execute(
                select(
                    Recipient.address_key,
                    Campaign.message_type,
                    School.name,
                    School.colour,
                    School.require_opt_in,
                )
                .join(
                    Campaign,
                    (Campaign.school_id == Recipient.school_id) & (Campaign.id == Recipient.campaign_id),
                )
                .join(School, School.id == Recipient.school_id)
                .where(
                    Recipient.school_id == ref.school_id,
                    Recipient.campaign_id == ref.campaign_id,
                    Recipient.number == ref.number,
                )
            )
        ).first()
        if row is None:
            return None
        consent = await read_consent(
            connection,
            school_id=ref.school_id,
            address_key=row.address_key,
            require_opt_in=row.require_opt_in,
        )
    return Subscriber(ref, row.address_key, row.message_type, row.name, row.colour, consent)


def make_wish(subscriber: Subscriber, *, message_type: str, unsubscribe: bool, source: str) -> Wish:
    """Say a wish about one message type; the campaign's own type also shows in its report."""
    ref = subscriber.ref
    key = RecipientKey(ref.school_id, ref.campaign_id, ref.number)
    return Wish(
        change=ConsentChange(
            school_id=ref.school_id,
            address_key=subscriber.address_key,
            message_type=message_type,
            unsubscribed=unsubscribe,
            source=source,
            campaign_id=ref.campaign_id,
            at=now(),
        ),
        marks=key if message_type == subscriber.message_type else None,
    )


def _make_fact(key: RecipientKey, *, unsubscribed: bool, at: datetime) -> Fact:
    kind = FactKind.UNSUBSCRIBED if unsubscribed else FactKind.RESUBSCRIBED
    words = f"{key.school_id}{key.campaign_id}{key.number}{kind}{at.isoformat()}"
    return Fact(recipient=key, kind=kind, at=at, key=hashlib.sha256(words.encode()).digest()[:16])
