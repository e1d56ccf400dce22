"""What is no message of the allowed topic changes nothing; what cannot be stored asks SNS to come again."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from asgi_lifespan import LifespanManager

from app.core.config import Settings
from app.main import create_app
from app.simulator.certificate import create_certificate
from app.simulator.settings import SimulatorSettings
from app.simulator.signing import MessageSigner
from tests.directory.faults import read_faults
from tests.feedback.posted import Topic, make_event, make_signer
from tests.school import SchoolClient

EVENT = {"eventType": "Telepathy", "mail": {"messageId": "m", "timestamp": "2026-03-02T08:00:00.000Z"}}


def _change(name: str, change: Callable[[str], str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda envelope: envelope | {name: change(envelope[name])}


FORGERIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "message": _change("Message", lambda text: text + " "),
    "timestamp": _change("Timestamp", lambda _: "2020-01-01T00:00:00.000Z"),
    "message id": _change("MessageId", lambda _: str(uuid4())),
    "signature": _change("Signature", lambda _: base64.b64encode(bytes(256)).decode()),
    "no base64": _change("Signature", lambda _: "?"),
    "version": _change("SignatureVersion", lambda _: "2"),
    "no such version": _change("SignatureVersion", lambda _: "3"),
    "topic": _change("TopicArn", lambda arn: arn + "x"),
    "host": _change("SigningCertURL", lambda url: url.replace("sns.", "evil.")),
    "plain http": _change("SigningCertURL", lambda url: url.replace("https", "http")),
    "query": _change("SigningCertURL", lambda url: url + "?x=1"),
    "user": _change("SigningCertURL", lambda url: url.replace("https://", "https://a@")),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_message_is_refused(topic: Topic, forgery: str) -> None:
    envelope = json.loads(topic.sign(json.dumps(EVENT)))
    answer = await topic.post(json.dumps(FORGERIES[forgery](envelope)).encode())
    read_faults(answer, 403)


async def test_every_refusal_is_the_same_bytes(
    topic: Topic, public: httpx.AsyncClient, certificate_directory: Path, tmp_path: Path
) -> None:
    simulator = SimulatorSettings(certificate_dir=certificate_directory)
    other_topic = make_signer(certificate_directory, topic_arn="arn:aws:sns:us-east-1:123456789012:other")
    other_key = MessageSigner(create_certificate(tmp_path), simulator.topic_arn, simulator.region)
    envelope = json.loads(topic.sign(json.dumps(EVENT)))
    answers = [
        await topic.post(json.dumps(forge(envelope)).encode())
        for name, forge in FORGERIES.items()
        if name != "host"
    ]
    answers.append(await Topic(public, other_topic).post(other_topic.sign_confirmation("t", 1).body))
    borrowed = json.loads(other_key.sign_notification(json.dumps(EVENT), 1, "arn").body)
    borrowed["SigningCertURL"] = envelope["SigningCertURL"]
    answers.append(await topic.post(json.dumps(borrowed).encode()))
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1


async def test_a_refused_event_changes_nothing(school: SchoolClient, campaign: UUID, topic: Topic) -> None:
    before = await school.read(f"/v1/campaigns/{campaign}")
    envelope = json.loads(topic.sign(json.dumps(make_event("Bounce", school, campaign))))
    for forge in FORGERIES.values():
        assert (await topic.post(json.dumps(forge(envelope)).encode())).status_code == 403
    assert await school.read(f"/v1/campaigns/{campaign}") == before


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"\xff",
        b"[]",
        b"null",
        b"{}",
        b'{"Type": "Notification"}',
        b'{"Type": 7}',
        b"[" * 100_000,
        b'{"Type": ' * 20_000 + b"1" + b"}" * 20_000,
        b'{"Type": "Notification", "Message": "\\ud800"}',
        b'{"Type": "Notification", "Message": "\xed\xa0\x80"}',
        b'{"Type": NaN}',
        b'{"Type": 1e999}',
        b'{"Type": ["Notification"]}',
        b'\xef\xbb\xbf{"Type": "Notification"}',
        b'{"Type": "Notification"}\x00',
    ],
)
async def test_what_is_no_sns_message_is_malformed(topic: Topic, body: bytes) -> None:
    read_faults(await topic.post(body), 400)


@pytest.mark.parametrize("name", ["Message", "MessageId", "TopicArn", "Timestamp", "Signature", "Type"])
@pytest.mark.parametrize("value", [None, 7, [], "nul\x00"])
async def test_a_field_of_another_type_is_malformed(topic: Topic, name: str, value: object) -> None:
    envelope = json.loads(topic.sign(json.dumps(EVENT))) | {name: value}
    read_faults(await topic.post(json.dumps(envelope).encode()), 400)


async def test_a_body_over_sns_limit_is_too_large(topic: Topic, public: httpx.AsyncClient) -> None:
    limit = 256 * 1024
    read_faults(await topic.post(b"x" * (limit + 1)), 413)
    read_faults(await topic.post(b" " * limit), 400)

    async def pieces() -> Any:  # without a Content-Length to tell beforehand
        for _ in range(5):
            yield b"x" * 64 * 1024

    read_faults(await public.post("/webhooks/ses", content=pieces()), 413)


async def test_the_webhook_takes_posts_alone(public: httpx.AsyncClient) -> None:
    for method in ("GET", "PUT", "DELETE"):
        assert (await public.request(method, "/webhooks/ses")).status_code == 405


async def test_a_database_that_is_away_asks_sns_to_come_again(
    settings: Settings, certificate_directory: Path
) -> None:
    away = settings.model_copy(update={"database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"})
    app = create_app(away)
    async with LifespanManager(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://campaigns.test") as http:
            topic = Topic(http, make_signer(certificate_directory))
            for message in (EVENT, {"eventType": "Bounce"}):
                read_faults(await topic.post(topic.sign(orjson.dumps(message).decode())), 503)
            envelope = json.loads(topic.sign(json.dumps(EVENT)))
            forged = FORGERIES["signature"](envelope)
            read_faults(await topic.post(json.dumps(forged).encode()), 403)
