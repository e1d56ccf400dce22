"""SNS: the handshake, signatures as AWS documents them, and delivery that is at least once."""

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from app.simulator.certificate import load_certificate
from app.simulator.client import SimulatorClient
from tests.simulator.product import Product

pytestmark = pytest.mark.anyio

EVENT = {"eventType": "Send", "mail": {}, "send": {}}


def verify(message: dict[str, str], certificate: x509.Certificate) -> None:
    """Verify as the AWS page says, written from the page alone; raises InvalidSignature.

    https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html
    """
    if message["Type"] == "Notification":
        keys = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    else:
        keys = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    canonical = ""
    for key in keys:
        if key in message:
            canonical += key + "\n" + message[key] + "\n"
    sha1 = hashes.SHA1()  # noqa: S303 - what version 1 is
    algorithm = {"1": sha1, "2": hashes.SHA256()}[message["SignatureVersion"]]
    public_key = certificate.public_key()
    assert isinstance(public_key, rsa.RSAPublicKey)
    public_key.verify(
        base64.b64decode(message["Signature"]), canonical.encode(), padding.PKCS1v15(), algorithm
    )


async def _fetch_certificate(simulator_url: str, signing_cert_url: str) -> x509.Certificate:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(simulator_url + urlsplit(signing_cert_url).path)
    return x509.load_pem_x509_certificate(answer.content)


@pytest.mark.parametrize("version", [1, 2])
async def test_messages_are_signed_as_documented(
    simulator_url: str, simulator: SimulatorClient, product: Product, version: int
) -> None:
    await simulator.change_settings(sns={"signature_version": version})
    assert (await simulator.subscribe(product.webhook)).confirmed
    await simulator.publish(EVENT)

    confirmation, notification = product.messages
    for message in product.messages:
        certificate = await _fetch_certificate(simulator_url, message["SigningCertURL"])
        assert message["SignatureVersion"] == str(version)
        verify(message, certificate)
    assert confirmation["Type"] == "SubscriptionConfirmation"
    assert confirmation["SubscribeURL"].startswith("https://sns.us-east-1.amazonaws.com/?Action=Confirm")
    assert json.loads(notification["Message"]) == EVENT
    assert notification["TopicArn"] == "arn:aws:sns:us-east-1:123456789012:campaigns-events"


async def test_requests_look_like_those_of_sns(simulator: SimulatorClient, product: Product) -> None:
    subscribed = await simulator.subscribe(product.webhook)
    await simulator.publish("plain text")
    confirmation, notification = product.headers
    assert confirmation["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert notification["x-amz-sns-message-type"] == "Notification"
    assert notification["content-type"] == "text/plain; charset=UTF-8"
    assert notification["x-amz-sns-subscription-arn"] == subscribed.subscription_arn
    assert notification["x-amz-sns-message-id"] == product.messages[-1]["MessageId"]


async def test_the_certificate_is_told_written_and_served(
    simulator_url: str, simulator: SimulatorClient, certificate_dir: Path
) -> None:
    pinned = await simulator.get_certificate()
    assert pinned.url == f"https://sns.us-east-1.amazonaws.com/{pinned.path.name}"
    assert pinned.path.parent == certificate_dir
    served = await _fetch_certificate(simulator_url, pinned.url)
    assert served == x509.load_pem_x509_certificate(pinned.path.read_bytes())


def test_a_restart_signs_with_the_same_key(tmp_path: Path) -> None:
    first, second = load_certificate(tmp_path), load_certificate(tmp_path)
    assert first.path == second.path
    assert first.key.private_numbers() == second.key.private_numbers()


async def test_nothing_is_delivered_before_confirmation(simulator: SimulatorClient, product: Product) -> None:
    product.confirms = False
    subscribed = await simulator.subscribe(product.webhook, timeout_seconds=0.2)
    assert not subscribed.confirmed
    assert await simulator.publish(EVENT) == []
    assert [message["Type"] for message in product.messages] == ["SubscriptionConfirmation"]


async def test_a_forged_token_confirms_nothing(simulator_url: str, simulator: SimulatorClient) -> None:
    pinned = await simulator.get_certificate()
    query = {"Action": "ConfirmSubscription", "TopicArn": pinned.topic_arn, "Token": "forged"}
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"{simulator_url}/", params=query)
    assert answer.status_code == 400
    assert "<Code>InvalidParameter</Code>" in answer.text


async def test_unsubscribing_ends_deliveries(
    simulator_url: str, simulator: SimulatorClient, product: Product
) -> None:
    await simulator.subscribe(product.webhook)
    await simulator.publish(EVENT)
    query = urlsplit(product.messages[-1]["UnsubscribeURL"]).query
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{simulator_url}/?{query}")).status_code == 200
        assert (await http.get(f"{simulator_url}/?{query}")).status_code == 404
        assert (await http.get(f"{simulator_url}/?Action=Other")).status_code == 400
    assert await simulator.publish(EVENT) == []


async def test_a_signed_message_can_be_had_without_delivery(
    simulator_url: str, simulator: SimulatorClient
) -> None:
    message = json.loads(await simulator.sign(EVENT))
    verify(message, await _fetch_certificate(simulator_url, message["SigningCertURL"]))


async def test_publishing_tells_the_endpoints_answer(simulator: SimulatorClient, product: Product) -> None:
    await simulator.subscribe(product.webhook)
    product.failures = [503]
    statuses = [(await simulator.publish(EVENT))[0].status for _ in range(2)]
    assert statuses == [503, 200]


async def test_an_endpoint_that_is_away_is_told_as_599(simulator: SimulatorClient, product: Product) -> None:
    await simulator.subscribe(product.webhook)
    lost: Any = await simulator.subscribe("http://127.0.0.1:9/webhooks/ses", timeout_seconds=0)
    assert not lost.confirmed
