"""The SNS envelope: an HTTP body read strictly, and the text its signature covers (pure).

https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from app.core.errors import MalformedRequest, TooLarge
from app.mail.instants import parse_instant

MAX_BODY_BYTES = 256 * 1024
"""SNS messages are at most 256 KB. https://docs.aws.amazon.com/general/latest/gr/sns.html"""


class EnvelopeType(StrEnum):
    """What SNS posts."""

    NOTIFICATION = "Notification"
    SUBSCRIPTION_CONFIRMATION = "SubscriptionConfirmation"
    UNSUBSCRIBE_CONFIRMATION = "UnsubscribeConfirmation"


# In the order in which the signature covers them (byte order of the names).
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
_NOTIFICATION_FIELDS = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION_FIELDS = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


class Envelope(NamedTuple):
    """One SNS message, well formed, not yet verified. `signed_text` is what its signature covers."""

    type: EnvelopeType
    message_id: str
    topic_arn: str
    message: str
    published_at: datetime
    signature_version: str
    signature: str
    certificate_url: str
    signed_text: bytes
    subscribe_url: str = ""
    token: str = ""


def parse_envelope(body: bytes) -> Envelope:
    """Read an SNS message; raise TooLarge over 256 KB, MalformedRequest where it is not one."""
    if len(body) > MAX_BODY_BYTES:
        raise TooLarge("An SNS message is at most 256 KB.")
    fields = _read_fields(body)
    kind = _read_type(fields)
    confirms = kind is not EnvelopeType.NOTIFICATION
    try:
        published_at = parse_instant(_require(fields, "Timestamp"))
    except ValueError as error:
        raise MalformedRequest("The SNS message's Timestamp is not an RFC 3339 timestamp.") from error
    return Envelope(
        type=kind,
        message_id=_require(fields, "MessageId"),
        topic_arn=_require(fields, "TopicArn"),
        message=_require(fields, "Message"),
        published_at=published_at,
        signature_version=_require(fields, "SignatureVersion"),
        signature=_require(fields, "Signature"),
        certificate_url=_require(fields, "SigningCertURL"),
        signed_text=_signed_text(fields, _CONFIRMATION_FIELDS if confirms else _NOTIFICATION_FIELDS),
        subscribe_url=_require(fields, "SubscribeURL") if confirms else "",
        token=_require(fields, "Token") if confirms else "",
    )


def _read_fields(body: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedRequest("The body is not JSON.") from error
    if not isinstance(fields, dict):
        raise MalformedRequest("The body is not an SNS message.")
    return fields


def _read_type(fields: dict[str, Any]) -> EnvelopeType:
    try:
        return EnvelopeType(_require(fields, "Type"))
    except ValueError as error:
        raise MalformedRequest("The SNS message is of an unknown Type.") from error


def _require(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or "\0" in value:
        detail = f"The SNS message's {name} is missing or not text."
        raise MalformedRequest(detail)
    return value


def _signed_text(fields: dict[str, Any], names: tuple[str, ...]) -> bytes:
    """Return each field present as `name LF value LF`; Subject alone may be absent."""
    present = (name for name in names if name != "Subject" or fields.get("Subject") is not None)
    return "".join(f"{name}\n{_require(fields, name)}\n" for name in present).encode()
