"""Receiving SNS messages: read, verify, and make durable through the group commit."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.types import Receive

from app.core.db import Database, is_disconnect
from app.core.errors import BodyCutShort, TooLarge, Unavailable
from app.core.group_commit import GroupCommit
from app.feedback.apply import apply_events
from app.feedback.parking import Parked, forget_events, give_up, keep_message, park_events, take_due
from app.mail.envelopes import MAX_BODY_BYTES, Envelope, EnvelopeType, parse_envelope
from app.mail.events import MalformedEvent, decode_message, parse_events
from app.mail.sns import SnsVerifier
from app.mail.types import MailEvent
from app.recipients.evidence import EvidenceLog

log = structlog.get_logger(__name__)


class Arrival(NamedTuple):
    """A verified SNS message: its events, or what is kept of one that has none we can read."""

    envelope: Envelope
    events: tuple[MailEvent, ...]
    unreadable: str | None = None

    @property
    def key(self) -> bytes:
        """Identifies the message, however often it is delivered."""
        return hashlib.sha256(self.envelope.message_id.encode()).digest()[:16]


def make_feedback(database: Database) -> GroupCommit[Arrival]:
    """Return the road of SNS messages: each is durable when its submission returns."""
    evidence = EvidenceLog()

    async def write(arrivals: Sequence[Arrival]) -> None:
        events = _distinct(arrivals)
        seen = _list_configuration_sets(events)
        async with database.keyed_connection() as connection:
            await apply_events(connection, events)
            await evidence.note(connection, seen)
            for arrival in arrivals:
                if arrival.unreadable:
                    await _keep(connection, arrival, arrival.unreadable)
        evidence.remember(seen)

    return GroupCommit(write, most=300)


async def _keep(connection: AsyncConnection, arrival: Arrival, reason: str) -> None:
    body = {"message": arrival.envelope.message, "type": arrival.envelope.type.value}
    await keep_message(connection, key=arrival.key, reason=reason, body=body)


def _distinct(arrivals: Sequence[Arrival]) -> list[MailEvent]:
    return list({event.key: event for arrival in arrivals for event in arrival.events}.values())


def _list_configuration_sets(events: Sequence[MailEvent]) -> dict[str, datetime]:
    """Return each configuration set that SES named, with the latest instant it did."""
    latest: dict[str, datetime] = {}
    for event in events:
        name = event.tags.get("ses:configuration-set")
        if name and (name not in latest or latest[name] < event.occurred_at):
            latest[name] = event.occurred_at
    return latest


async def read_body(receive: Receive) -> bytes:
    """Read a body no longer than SNS's limit; TooLarge as soon as it is known to be.

    Raise BodyCutShort when the client leaves before its end.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyCutShort
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge("An SNS message is at most 256 KB.")
        if not message.get("more_body", False):
            return bytes(body)


async def receive(
    body: bytes, *, verifier: SnsVerifier, feedback: GroupCommit[Arrival], database: Database
) -> None:
    """Take one SNS message; return once all it says is durable.

    Raise MalformedRequest, TooLarge or Forbidden for what is no message of an allowed topic, and
    Unavailable when it cannot be stored: SNS then delivers it again.
    """
    envelope = parse_envelope(body)
    await verifier.verify(envelope)
    if envelope.type is EnvelopeType.SUBSCRIPTION_CONFIRMATION:
        await verifier.confirm_subscription(envelope)
        log.info("SNS subscription confirmed", topic=envelope.topic_arn)
        return
    arrival = _read_arrival(envelope)
    if not arrival.events and not arrival.unreadable:
        return
    try:
        await feedback.submit(arrival)
    except Exception as error:
        if is_disconnect(error):
            log.warning("an SNS message was not stored", error=type(error).__name__)
            raise Unavailable("The event cannot be stored now.") from error
        # It would fail as often as SNS sends it: kept as it is, it can be tried again when we are mended.
        log.exception("an SNS message cannot be applied")
        await _park(database, arrival)


async def _park(database: Database, arrival: Arrival) -> None:
    async with database.connection() as connection:
        await park_events(connection, arrival.events, reason="failed to apply")


def _read_arrival(envelope: Envelope) -> Arrival:
    if envelope.type is EnvelopeType.UNSUBSCRIBE_CONFIRMATION:
        return Arrival(envelope, (), unreadable="the topic's subscription was removed")
    try:
        payload = decode_message(envelope.message)
        if payload is None:  # plain text, such as "Successfully validated SNS topic…"
            return Arrival(envelope, ())
        return Arrival(envelope, parse_events(payload, published_at=envelope.published_at))
    except MalformedEvent as error:
        return Arrival(envelope, (), unreadable=f"cannot be read: {error}")


def _read_parked(due: Sequence[Parked]) -> tuple[list[MailEvent], list[bytes]]:
    """Return the events, and the keys of what cannot be read: that is no reason to try no other."""
    events: list[MailEvent] = []
    unreadable: list[bytes] = []
    for key, raw, received_at in due:
        try:
            read = parse_events(raw, published_at=received_at)
        except MalformedEvent as error:
            log.warning("a parked event cannot be read any more", error=str(error))
            unreadable.append(key)
        else:
            events += (event for event in read if event.key == key)
    return events, unreadable


async def retry_parked(database: Database, *, limit: int = 500) -> int:
    """Try again what was parked; return how many events were tried. One that fails harms no other."""

    async def write(events: Sequence[MailEvent]) -> None:
        async with database.keyed_connection() as connection:
            strays = await apply_events(connection, events)
            await forget_events(connection, [event.key for event in events if event.key not in strays])

    async with database.connection() as connection:
        due = await take_due(connection, limit=limit)
        events, unreadable = _read_parked(due)
        if unreadable:
            await give_up(connection, unreadable, reason="cannot be read any more")
    retries = GroupCommit(write)
    failures = await asyncio.gather(*map(retries.submit, events), return_exceptions=True)
    for failure in failures:
        if isinstance(failure, Exception):
            log.warning("a parked event failed again", error=type(failure).__name__)
    return len(due)
