"""A stand-in for SNS's key: makes certificates and signs messages as SNS does.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.mail.envelopes import Envelope, parse_envelope

REGION = "eu-west-1"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:ses-events"
ORIGIN = f"https://sns.{REGION}.amazonaws.com"
CERTIFICATE_URL = f"{ORIGIN}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
TOKEN = "2336412f37fb687f5d51e6e2425dacbba5"
SUBSCRIBE_URL = f"{ORIGIN}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token={TOKEN}"
VALID_FROM = datetime(2020, 1, 1, tzinfo=UTC)
VALID_DAYS = 36_500

SIGNED_FIELDS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
    "UnsubscribeConfirmation": (
        "Message",
        "MessageId",
        "SubscribeURL",
        "Timestamp",
        "Token",
        "TopicArn",
        "Type",
    ),
}


@cache
def signing_key(number: int = 0) -> rsa.RSAPrivateKey:
    """Return the same key for the same number, all through a run."""
    del number
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def make_certificate(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None,
    *,
    valid_from: datetime = VALID_FROM,
    days: int = VALID_DAYS,
) -> bytes:
    owner = key or signing_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(owner.public_key())
        .serial_number(1)
        .not_valid_before(valid_from)
        .not_valid_after(valid_from + timedelta(days=days))
        .sign(owner, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def make_message(kind: str = "Notification", **changes: str | None) -> dict[str, str]:
    message: dict[str, str | None] = {
        "Type": kind,
        "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b",
        "TopicArn": TOPIC,
        "Message": '{"eventType":"Send"}',
        "Timestamp": "2026-03-02T08:00:07.250Z",
        "SignatureVersion": "1",
        "SigningCertURL": CERTIFICATE_URL,
        "UnsubscribeURL": f"{ORIGIN}/?Action=Unsubscribe",
    }
    if kind != "Notification":
        message |= {"Token": TOKEN, "SubscribeURL": SUBSCRIBE_URL}
    return {name: value for name, value in (message | changes).items() if value is not None}


def sign(message: dict[str, str], key: rsa.RSAPrivateKey | None = None) -> dict[str, str]:
    fields = SIGNED_FIELDS[message["Type"]]
    text = "".join(f"{name}\n{message[name]}\n" for name in fields if name in message)
    algorithm = hashes.SHA1() if message["SignatureVersion"] == "1" else hashes.SHA256()  # noqa: S303
    signature = (key or signing_key()).sign(text.encode(), padding.PKCS1v15(), algorithm)
    return message | {"Signature": base64.b64encode(signature).decode()}


def make_signed_body(kind: str = "Notification", **changes: str | None) -> bytes:
    return json.dumps(sign(make_message(kind, **changes))).encode()


def make_envelope(kind: str = "Notification", **changes: str | None) -> Envelope:
    return parse_envelope(make_signed_body(kind, **changes))
