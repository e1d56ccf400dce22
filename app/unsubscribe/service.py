"""Wishes of recipients: found by their token, recorded through the group commit, effective at once."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app.campaigns.models import Campaign
from app.core.clock import now
from app.core.db import Database
from app.core.group_commit import GroupCommit
from app.core.signing import RecipientRef
from app.directory.consent import SUBSCRIBABLE, ConsentChange, change_consent, read_unsubscribed
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.models import Recipient
from app.recipients.record import record_facts
from app.schools.models import School


@dataclass(frozen=True, slots=True)
class Subscriber:
    """The person behind a token: whose mail it was, and what the address has unsubscribed from."""

    ref: RecipientRef
    address_key: bytes
    message_type: str
    school: str
    colour: str | None
    unsubscribed: frozenset[str]
    marked: bool
    """Whether the campaign's report already shows this recipient as unsubscribed."""

    @property
    def can_unsubscribe(self) -> bool:
        """Operational mail has no subscription to leave."""
        return self.message_type in SUBSCRIBABLE


@dataclass(frozen=True, slots=True)
class Wish:
    """What a recipient asks for, and the fact it is for their campaign's report, if any."""

    change: ConsentChange
    fact: Fact | None


def make_wishes(database: Database) -> GroupCommit[Wish]:
    """Return the road of wishes: each is durable, and binding, when its submission returns."""

    async def write(wishes: Sequence[Wish]) -> None:
        async with database.connection() as connection:
            await record_facts(connection, [wish.fact for wish in wishes if wish.fact])
            for wish in wishes:
                await change_consent(connection, wish.change)

    return GroupCommit(write, most=100)


async def find_subscriber(database: Database, ref: RecipientRef) -> Subscriber | None:
    """Return who a token stands for; None when the recipient is no more."""
    async with database.connection() as connection:
        row = (
            await connection.execute(
                select(
                    Recipient.address_key,
                    Recipient.unsubscribed,
                    Campaign.message_type,
                    School.name,
                    School.colour,
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
        gone = await read_unsubscribed(connection, school_id=ref.school_id, address_key=row.address_key)
    return Subscriber(
        ref, row.address_key, row.message_type, row.name, row.colour, frozenset(gone), row.unsubscribed
    )


def make_wish(subscriber: Subscriber, *, message_type: str, unsubscribe: bool, source: str) -> Wish:
    """Say a wish about one message type; the campaign's own type also shows in its report."""
    at = now()
    is_own = message_type == subscriber.message_type and unsubscribe != subscriber.marked
    return Wish(
        change=ConsentChange(
            school_id=subscriber.ref.school_id,
            address_key=subscriber.address_key,
            message_type=message_type,
            unsubscribed=unsubscribe,
            source=source,
            campaign_id=subscriber.ref.campaign_id,
            at=at,
        ),
        fact=_make_fact(subscriber.ref, unsubscribe=unsubscribe, at=at) if is_own else None,
    )


def _make_fact(ref: RecipientRef, *, unsubscribe: bool, at: datetime) -> Fact:
    kind = FactKind.UNSUBSCRIBED if unsubscribe else FactKind.RESUBSCRIBED
    words = f"{ref.school_id}{ref.campaign_id}{ref.number}{kind}{at.isoformat()}"
    return Fact(
        recipient=RecipientKey(ref.school_id, ref.campaign_id, ref.number),
        kind=kind,
        at=at,
        key=hashlib.sha256(words.encode()).digest()[:16],
    )
