"""Confirming a subscription: a visit to SNS, or to where SNS is said to be, and to nowhere else."""

from pathlib import Path

import httpx
import pytest

from app.core.errors import Forbidden, Unavailable
from app.mail.envelopes import Envelope
from app.mail.sns import SnsVerifier
from tests.mail.sns_signer import CERTIFICATE_URL, SUBSCRIBE_URL, TOPIC, make_certificate, make_envelope
from tests.mail.sns_web import Web

pytestmark = pytest.mark.anyio


async def test_a_subscription_is_confirmed_at_sns(pinned: SnsVerifier, web: Web) -> None:
    web.answer = httpx.Response(200, content=b"<ConfirmSubscriptionResponse/>")
    await pinned.confirm_subscription(make_envelope("SubscriptionConfirmation"))
    assert web.urls == [SUBSCRIBE_URL]


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("http://127.0.0.1:5000/ignored/", "http://127.0.0.1:5000"),
        (
            "https://vpce-1.sns.eu-west-1.vpce.amazonaws.com",
            "https://vpce-1.sns.eu-west-1.vpce.amazonaws.com",
        ),
    ],
)
async def test_a_subscription_is_confirmed_at_the_given_endpoint(
    client: httpx.AsyncClient, web: Web, tmp_path: Path, endpoint: str, origin: str
) -> None:
    (tmp_path / "sns.pem").write_bytes(make_certificate())
    pins = {CERTIFICATE_URL: tmp_path / "sns.pem"}
    verifier = SnsVerifier(frozenset({TOPIC}), pins, client, sns_endpoint=endpoint)
    await verifier.confirm_subscription(make_envelope("SubscriptionConfirmation"))
    assert web.urls == [SUBSCRIBE_URL.replace("https://sns.eu-west-1.amazonaws.com", origin)]


@pytest.mark.parametrize(
    "envelope",
    [
        make_envelope(),
        make_envelope("UnsubscribeConfirmation"),
        make_envelope(
            "SubscriptionConfirmation", SubscribeURL="https://evil.test/?Action=ConfirmSubscription"
        ),
        make_envelope("SubscriptionConfirmation", SubscribeURL=SUBSCRIBE_URL + "#x"),
        make_envelope("SubscriptionConfirmation", TopicArn=TOPIC + "-other"),
        make_envelope("SubscriptionConfirmation")._replace(signature=""),
    ],
)
async def test_nothing_else_is_visited(pinned: SnsVerifier, web: Web, envelope: Envelope) -> None:
    with pytest.raises(Forbidden, match=r"This SNS message is refused\."):
        await pinned.confirm_subscription(envelope)
    assert web.urls == []


@pytest.mark.parametrize("status", [302, 400, 404, 500])
async def test_a_confirmation_that_fails_is_unavailable(pinned: SnsVerifier, web: Web, status: int) -> None:
    web.answer = httpx.Response(status, headers={"Location": "https://evil.test/"})
    with pytest.raises(Unavailable):
        await pinned.confirm_subscription(make_envelope("SubscriptionConfirmation"))
    assert web.urls == [SUBSCRIBE_URL]


async def test_a_confirmation_without_a_network_is_unavailable(pinned: SnsVerifier, web: Web) -> None:
    web.error = httpx.ConnectTimeout("late")
    with pytest.raises(Unavailable):
        await pinned.confirm_subscription(make_envelope("SubscriptionConfirmation"))
