"""Applying what SES reports: facts, then what they mean for the address; what cannot be placed is parked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_lean
from app.directory.addresses import hash_address
from app.feedback.addresses import act_on_addresses
from app.feedback.parking import keep_events, park_events
from app.feedback.translate import make_fact, read_tags
from app.mail.types import MailEvent
from app.recipients.facts import RecipientKey
from app.recipients.record import record_facts

TEST_TAGS: Final[Mapping[str, str]] = {"test": "true"}
"""What a test message is tagged with: it has no recipient, so its events would wait for one for ever."""
_BY_MESSAGE: Final = """
    SELECT r.message_id, r.school_id, r.campaign_id, r.number
    FROM schools s
    JOIN recipient_outcomes r ON r.school_id = s.id AND r.message_id = ANY ($1::text[])
"""
# Nearly every event names the address as it was mailed, so that only the few others need their hash.
_OTHERWISE_ADDRESSED: Final = """
    SELECT k.place::int, r.address_key, s.address_secret
    FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[]) WITH ORDINALITY
        AS k (school_id, campaign_id, number, address, place)
    JOIN recipients r ON (r.school_id, r.campaign_id, r.number) = (k.school_id, k.campaign_id, k.number)
    JOIN schools s ON s.id = r.school_id
    WHERE k.address <> '' AND lower(k.address) IS DISTINCT FROM lower(coalesce(r.wire_address, r.email))
"""


async def apply_events(connection: AsyncConnection, events: Sequence[MailEvent]) -> frozenset[bytes]:
    """Apply the events in this transaction; return the keys of those that change nobody, and are kept.

    They name nothing known, or an address that the mail did not go to. Events of test messages are dropped.
    """
    events = [event for event in events if not TEST_TAGS.items() <= event.tags.items()]
    places = await _find_recipients(connection, events)
    foreign = await _find_foreign(connection, [event for event in events if event.key in places], places)
    events = [event for event in events if event.key not in foreign]
    placed = {event.key: make_fact(event, places[event.key]) for event in events if event.key in places}
    recorded = await record_facts(connection, list(placed.values()))
    missing = {fact.key for fact in recorded.missing}
    strays = [event for event in events if event.key not in placed or event.key in missing]
    await park_events(connection, strays, reason="names no known recipient")
    await keep_events(connection, list(foreign.values()), reason="names an address the mail did not go to")
    await act_on_addresses(connection, [fact for key, fact in placed.items() if key in recorded.fresh])
    return frozenset(event.key for event in strays) | foreign.keys()


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
        rows = await run_lean(connection, _BY_MESSAGE, ids)
        known = {row[0]: RecipientKey(row[1], row[2], row[3]) for row in rows}
        places.update({event.key: known[event.message_id] for event in untagged if event.message_id in known})
    return places


async def _find_foreign(
    connection: AsyncConnection, events: Sequence[MailEvent], places: Mapping[bytes, RecipientKey]
) -> dict[bytes, MailEvent]:
    """Return the events that name another address than their recipient's: each mail of ours went to one."""
    if not events:
        return {}
    keys = [places[event.key] for event in events]
    columns = ([k.school_id for k in keys], [k.campaign_id for k in keys], [k.number for k in keys])
    addresses = [event.address for event in events]
    named = (
        (events[row[0] - 1], row[1], row[2])
        for row in await run_lean(connection, _OTHERWISE_ADDRESSED, *columns, addresses)
    )
    return {event.key: event for event, key, secret in named if hash_address(secret, event.address) != key}
