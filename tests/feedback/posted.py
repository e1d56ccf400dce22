"""SES events as SNS posts them: made to measure for a recipient, signed, and delivered to the webhook."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson

from app.simulator.certificate import load_certificate
from app.simulator.settings import SimulatorSettings
from app.simulator.signing import MessageSigner
from tests.mail.ses_events import DETAILS, make_mail
from tests.school import SchoolClient

WEBHOOK = "/webhooks/ses"
LISTS = ("recipients", "bouncedRecipients", "complainedRecipients", "delayedRecipients")
SUBSCRIPTION = "arn:aws:sns:us-east-1:123456789012:topic:subscription"


@cache
def make_signer(certificate_directory: Path, *, topic_arn: str | None = None) -> MessageSigner:
    """Return the signer of the allowed topic, or of another."""
    simulator = SimulatorSettings(certificate_dir=certificate_directory)
    certificate = load_certificate(certificate_directory)
    return MessageSigner(certificate, topic_arn or simulator.topic_arn, simulator.region)


def make_event(
    event_type: str,
    school: SchoolClient,
    campaign: UUID,
    number: int = 1,
    *,
    address: str | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """Return an event of a configuration set about a recipient, who is found by the tags.

    It names their own address, that of `push_users` unless told, wherever SES would.
    """
    (name, detail), *_ = deepcopy(DETAILS[event_type]).items()
    address = address or f"user{number}@school.example"
    for key, (first, *_) in ((key, detail[key]) for key in LISTS if key in detail):
        detail[key] = [{**first, "emailAddress": address}] if isinstance(first, dict) else [address]
    tags = {
        "ses:configuration-set": ["campaigns"],
        "school_id": [str(school.id)],
        "campaign_id": [str(campaign)],
        "recipient_id": [str(number)],
    }
    mail = make_mail(address, messageId=make_message_id(campaign, number), tags=tags)
    return {"eventType": event_type, "mail": mail, name: {**detail, **changes}}


def make_message_id(campaign: UUID, number: int) -> str:
    """Return the id under which SES took a recipient's mail."""
    return f"0102018f3c5d7e90-{campaign}-{number:06d}"


def strip_tags(event: dict[str, Any]) -> dict[str, Any]:
    """Return the event as an identity's feedback notification: another name for the type, and no tags."""
    mail = {name: value for name, value in event["mail"].items() if name != "tags"}
    rest = {name: value for name, value in event.items() if name not in {"eventType", "mail"}}
    return {"notificationType": event["eventType"], "mail": mail, **rest}


class Topic:
    """The topic that posts to the webhook."""

    def __init__(self, http: httpx.AsyncClient, signer: MessageSigner) -> None:
        """Post through this client."""
        self._http = http
        self._signer = signer

    def sign(self, text: str, *, version: int = 1) -> bytes:
        """Return a signed notification that carries any text."""
        return self._signer.sign_notification(text, version, SUBSCRIPTION).body

    async def post(self, body: bytes) -> httpx.Response:
        """Deliver a body as SNS does."""
        return await self._http.post(
            WEBHOOK, content=body, headers={"Content-Type": "text/plain; charset=UTF-8"}
        )

    async def publish(self, *events: dict[str, Any], version: int = 1) -> None:
        """Deliver events; each must be taken."""
        for event in events:
            answer = await self.post(self.sign(orjson.dumps(event).decode(), version=version))
            assert (answer.status_code, answer.content) == (200, b""), answer.text


def new_set_name() -> str:
    """Return a configuration set that no other test speaks of."""
    return f"set-{uuid4()}"
