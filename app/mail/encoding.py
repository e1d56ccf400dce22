"""OutgoingBatch -> the JSON body of one SendBulkEmail call, and what can be refused without calling.

The body is written here because botocore's own serializer takes more than half of the time of a call.
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from app.mail.addresses import UnsendableAddress, encode_address, format_mailbox
from app.mail.types import Outcome, OutcomeKind, OutgoingBatch, OutgoingEmail, SingleEmail

MAX_REQUEST_BYTES = 1_000_000
"""SES takes at most 1 MB of JSON a call with an inline template.

https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html
"""


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """A call ready to be made: its body, and the emails left out of it, by their place in the batch."""

    body: bytes
    refused: Mapping[int, Outcome]


class UnusableMessage(ValueError):
    """What all emails of a call share cannot be sent: the sender's address, or text no JSON can hold."""


def encode_batch(batch: OutgoingBatch, configuration_set: str | None = None) -> BulkRequest:
    """Encode one call, leaving out the recipients that SES is certain to refuse.

    Raise UnusableMessage where the fault is in what the recipients share.
    """
    entries: list[orjson.Fragment] = []
    refused: dict[int, Outcome] = {}
    for place, email in enumerate(batch.emails):
        try:
            entries.append(_encode_entry(email))
        except UnsendableAddress as error:
            refused[place] = Outcome(OutcomeKind.FAILED, code="unsendable_address", detail=str(error))
        except TypeError:
            refused[place] = Outcome(OutcomeKind.FAILED, code="unsendable_text", detail="not valid Unicode")
    template = {"Subject": batch.subject, "Html": batch.html, "Text": batch.text}
    request = _shared_members(batch, configuration_set) | {
        "DefaultContent": {"Template": {"TemplateContent": template, "TemplateData": "{}"}},
        "BulkEmailEntries": entries,
    }
    try:
        return BulkRequest(orjson.dumps(request), refused)
    except TypeError as error:
        raise UnusableMessage("the message is not valid Unicode") from error


def batch_size_bytes(batch: OutgoingBatch, configuration_set: str | None = None) -> int:
    """Return the size in bytes of the call's body, to compare with MAX_REQUEST_BYTES."""
    return len(encode_batch(batch, configuration_set).body)


def single_request(email: SingleEmail, configuration_set: str | None = None) -> dict[str, Any]:
    """Return the parameters of one SendEmail call; raise UnsendableAddress or UnusableMessage.

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
    """
    body = {"Html": _utf8(email.html), "Text": _utf8(email.text)}
    simple = {"Subject": _utf8(email.subject), "Body": body, "Headers": _pairs(email.headers)}
    return _shared_members(email, configuration_set) | {
        "Destination": {"ToAddresses": [encode_address(email.address)]},
        "Content": {"Simple": simple},
        "EmailTags": _pairs(email.tags),
    }


def _encode_entry(email: OutgoingEmail) -> orjson.Fragment:
    """Encode one recipient on its own, so that text no JSON can hold is that recipient's fault alone."""
    data = orjson.dumps(email.values).decode()
    entry = {
        "Destination": {"ToAddresses": (encode_address(email.address),)},
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": data}},
        "ReplacementHeaders": _pairs(email.headers),
        "ReplacementTags": _pairs(email.tags),
    }
    return orjson.Fragment(orjson.dumps(entry))


def _shared_members(message: OutgoingBatch | SingleEmail, configuration_set: str | None) -> dict[str, Any]:
    try:
        members: dict[str, Any] = {"FromEmailAddress": format_mailbox(message.sender_name, message.sender)}
        if message.reply_to:
            members["ReplyToAddresses"] = [encode_address(message.reply_to)]
    except UnsendableAddress as error:
        reason = f"sender or reply-to: {error}"
        raise UnusableMessage(reason) from error
    if configuration_set:
        members["ConfigurationSetName"] = configuration_set
    if message.tenant:
        members["TenantName"] = message.tenant
    return members


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Name": name, "Value": value} for name, value in values.items()]


def _utf8(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}
