"""Applying what SES reports: facts, then what they mean for the address; what cannot be placed is parked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql
from app.directory.consent import SUBSCRIBABLE, ConsentChange, change_consent, suppress_addresses
from app.feedback.parking import park_events
from app.feedback.translate import make_fact, read_tags
from app.mail.types import MailEvent
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts

TEST_TAGS: Final[Mapping[str, str]] = {"test": "true"}
"""What a test message is tagged with: it has no recipient, so its events would wait for one for ever."""
_BY_MESSAGE: Final = """
    SELECT r.message_id, r.school_id, r.campaign_id, r.number
    FROM schools s
    JOIN recipients r ON r.school_id = s.id AND r.message_id = ANY ($1::text[])
"""
_ADDRESSES: Final = """
    SELECT r.school_id, r.campaign_id, r.number, r.address_key, r.email
    FROM recipients r
    JOIN unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (school_id, campaign_id, number)
        ON (r.school_id, r.campaign_id, r.number) = (k.school_id, k.campaign_id, k.number)
"""


async def apply_events(connection: AsyncConnection, events: Sequence[MailEvent]) -> frozenset[bytes]:
    """Apply the events in this transaction; return the keys of those parked, as they name nothing known.

    Events of test messages are dropped.
    """
    events = [event for event in events if not TEST_TAGS.items() <= event.tags.items()]
    places = await _find_recipients(connection, events)
    placed = {event.key: make_fact(event, places[event.key]) for event in events if event.key in places}
    recorded = await record_facts(connection, list(placed.values()))
    missing = {fact.key for fact in recorded.missing}
    strays = [event for event in events if event.key not in placed or event.key in missing]
    await park_events(connection, strays, reason="names no known recipient")
    await _act_on_addresses(connection, [fact for key, fact in placed.items() if key in recorded.fresh])
    return frozenset(event.key for event in strays)


async def _find_recipients(
    connection: AsyncConnection, events: Iterable[MailEvent]
) -> Mapping[bytes, RecipientKey]:
    """Place events by their tags, those without tags by the message id."""
    places: dict[bytes, RecipientKey] = {}
    untagged: list[MailEvent] = []
    for event in events:
        recipient = read_tags(event)
        if recipient is not None:
            places[event.key] = recipient
        elif event.message_id:
            untagged.append(event)
    if untagged:
        ids = list({event.message_id for event in untagged})
        rows = await run_sql(connection, _BY_MESSAGE, ids)
        known = {row[0]: RecipientKey(row[1], row[2], row[3]) for row in rows}
        places.update({event.key: known[event.message_id] for event in untagged if event.message_id in known})
    return places


async def _act_on_addresses(connection: AsyncConnection, fresh: Sequence[Fact]) -> None:
    """Suppress after a permanent bounce or a complaint; a complaint also unsubscribes from everything."""
    grave = [fact for fact in fresh if fact.kind in {FactKind.BOUNCED, FactKind.COMPLAINED}]
    if not grave:
        return
    keys = [fact.recipient for fact in grave]
    columns = ([k.school_id for k in keys], [k.campaign_id for k in keys], [k.number for k in keys])
    rows = await run_sql(connection, _ADDRESSES, *columns)
    addresses = {RecipientKey(row[0], row[1], row[2]): (row[3], row[4]) for row in rows}
    suppressions: dict[tuple[UUID, bytes], dict[str, object]] = {}
    for fact in grave:
        address_key, email = addresses[fact.recipient]
        suppressions.setdefault(
            (fact.recipient.school_id, address_key),
            {
                "school_id": fact.recipient.school_id,
                "address_key": address_key,
                "email": email,
                "reason": fact.kind.value,
                "origin": "ses",
                "campaign_id": fact.recipient.campaign_id,
            },
        )
    await suppress_addresses(connection, suppressions.values())
    complaints = [fact for fact in grave if fact.kind is FactKind.COMPLAINED]
    for fact in sorted(complaints, key=lambda fact: fact.recipient.order()):
        await _unsubscribe_complainer(connection, fact, addresses[fact.recipient][0])


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
