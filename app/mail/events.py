"""SES events -> MailEvent: one vocabulary for event publishing and for feedback notifications (pure).

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson

from app.mail.addresses import read_address
from app.mail.findings import Finding, find
from app.mail.instants import parse_instant
from app.mail.json_fields import MalformedEvent, check_text, decode_message, read_list, read_object, read_text
from app.mail.types import MailEvent, MailEventKind

__all__ = ["MalformedEvent", "decode_message", "parse_events"]

_MAX_ADDRESS = 1_000  # with its display name; RFC 5321 §4.5.3.1 allows a bare one 320
_MAX_ID = 255


@dataclass(frozen=True, slots=True)
class _Shape:
    """Where an event of one type keeps its detail, and which list in it names the recipients."""

    kind: MailEventKind
    detail: str
    recipients: str = ""


_SHAPES: Mapping[str, _Shape] = {
    "Send": _Shape(MailEventKind.SEND, "send"),
    "Delivery": _Shape(MailEventKind.DELIVERY, "delivery", "recipients"),
    "Bounce": _Shape(MailEventKind.BOUNCE, "bounce", "bouncedRecipients"),
    "Complaint": _Shape(MailEventKind.COMPLAINT, "complaint", "complainedRecipients"),
    "DeliveryDelay": _Shape(MailEventKind.DELIVERY_DELAY, "deliveryDelay", "delayedRecipients"),
    "Reject": _Shape(MailEventKind.REJECT, "reject"),
    "Rendering Failure": _Shape(MailEventKind.RENDERING_FAILURE, "failure"),
    "Open": _Shape(MailEventKind.OPEN, "open"),
    "Click": _Shape(MailEventKind.CLICK, "click"),
    "Subscription": _Shape(MailEventKind.SUBSCRIPTION, "subscription"),
}
_UNKNOWN = _Shape(MailEventKind.OTHER, "")


class _Common(NamedTuple):
    """What an event says of the message as a whole."""

    message_id: str
    occurred_at: datetime
    mailed_at: datetime
    tags: Mapping[str, str]
    raw: Mapping[str, Any]


def parse_events(
    payload: Mapping[str, Any], *, published_at: datetime | None = None
) -> tuple[MailEvent, ...]:
    """Return one MailEvent per address the event names; one without an address where it names none.

    `published_at` (the SNS timestamp) dates an unknown event that carries no instant of its own. Raise
    MalformedEvent, and nothing else, for what cannot be read.
    """
    event_type = _read_type(payload)
    shape = _SHAPES.get(event_type, _UNKNOWN)
    mail = read_object(payload, "mail")
    detail = {} if shape is _UNKNOWN else read_object(payload, shape.detail)
    message_id = read_text(mail, "messageId", limit=_MAX_ID)
    occurred_at = _read_instant(detail) or _read_instant(mail)
    if shape is not _UNKNOWN:
        _require(message_id, "mail.messageId")
        _require(occurred_at, "timestamp")
        _require(detail or not shape.recipients, shape.detail)
    identity = (message_id, str(occurred_at), *_identify(payload, shape, detail))
    dated_at = occurred_at or published_at
    if dated_at is None:
        raise MalformedEvent("timestamp", "is missing")
    common = _Common(message_id, dated_at, _read_instant(mail) or dated_at, _read_tags(mail), payload)
    events = (
        _build_event(common, address, find(shape.kind, event_type, detail, item), identity)
        for address, item in _name_recipients(mail, detail, shape)
    )
    return tuple({event.key: event for event in events}.values())


def _read_type(payload: Mapping[str, Any]) -> str:
    if not isinstance(payload, dict):
        raise MalformedEvent("the event", "is not an object")
    name = "eventType" if "eventType" in payload else "notificationType"
    event_type = read_text(payload, name, limit=_MAX_ID)
    _require(event_type, "eventType or notificationType")
    return event_type


def _require(value: object, name: str) -> None:
    if not value:
        raise MalformedEvent(name, "is missing")


def _read_instant(source: Mapping[str, Any]) -> datetime | None:
    text = read_text(source, "timestamp", limit=64)
    if not text:
        return None
    try:
        return parse_instant(text)
    except ValueError as error:
        raise MalformedEvent("timestamp", "is not an RFC 3339 timestamp") from error


def _read_tags(mail: Mapping[str, Any]) -> dict[str, str]:
    """Flatten `{"name": ["value"]}`: SES lists values, a message has one of each name."""
    tags = {}
    for name, values in read_object(mail, "tags").items():
        first = values[0] if isinstance(values, list) and values else values
        if first:
            tags[check_text(name, "tag", _MAX_ID)] = check_text(first, "tag", 1_024)
    return tags


def _name_recipients(
    mail: Mapping[str, Any], detail: Mapping[str, Any], shape: _Shape
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each address with what the event says of it alone.

    An event that names nobody is about all destinations where it concerns the whole message, and about
    the one destination there is otherwise; a list such as a bounce's could mean any of several.
    """
    named = read_list(detail, shape.recipients) if shape.recipients else []
    destinations = read_list(mail, "destination")
    if named:
        for item in named:
            entry = item if isinstance(item, dict) else {"emailAddress": item}
            yield _read_recipient(entry.get("emailAddress")), entry
    elif destinations and (not shape.recipients or len(destinations) == 1):
        for address in destinations:
            yield _read_recipient(address), {}
    else:
        yield "", {}


def _read_recipient(value: Any) -> str:
    return read_address(check_text(value, "a recipient's address", _MAX_ADDRESS))


def _identify(payload: Mapping[str, Any], shape: _Shape, detail: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what tells two events of one message, address and instant apart."""
    if shape is not _UNKNOWN:
        return tuple(read_text(detail, name) for name in ("feedbackId", "link", "ipAddress", "userAgent"))
    try:
        canonical = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise MalformedEvent("the event", "cannot be kept") from error
    return (blake2b(canonical).hexdigest(),)


def _build_event(common: _Common, address: str, finding: Finding, identity: tuple[str, ...]) -> MailEvent:
    """Put an event together; its key is a digest of what it says, the same whenever it is published."""
    said = "\0".join((finding.kind, address.lower(), *identity))
    return MailEvent(
        kind=finding.kind,
        key=blake2b(said.encode(), digest_size=16).digest(),
        message_id=common.message_id,
        occurred_at=common.occurred_at,
        mailed_at=common.mailed_at,
        address=address,
        tags=common.tags,
        code=finding.code,
        diagnostic=finding.diagnostic,
        bot=finding.bot,
        raw=common.raw,
    )
