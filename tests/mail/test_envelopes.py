"""SNS envelopes: read strictly, or refused with the right status."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import MalformedRequest, TooLarge
from app.mail.envelopes import MAX_BODY_BYTES, EnvelopeType, parse_envelope
from tests.mail.sns_signer import SUBSCRIBE_URL, TOKEN, TOPIC, make_message, make_signed_body, sign


def test_a_notification_is_read() -> None:
    envelope = parse_envelope(make_signed_body(Subject="Hello"))
    assert envelope.type is EnvelopeType.NOTIFICATION
    assert envelope.topic_arn == TOPIC
    assert envelope.message == '{"eventType":"Send"}'
    assert envelope.published_at == datetime(2026, 3, 2, 8, 0, 7, 250_000, UTC)


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_a_confirmation_carries_its_url_and_token(kind: str) -> None:
    envelope = parse_envelope(make_signed_body(kind))
    assert (envelope.type, envelope.subscribe_url, envelope.token) == (kind, SUBSCRIBE_URL, TOKEN)


def test_the_signed_text_follows_the_documented_order() -> None:
    with_subject = parse_envelope(make_signed_body(Subject="S", Message="M", MessageId="I"))
    without = parse_envelope(make_signed_body(Message="M", MessageId="I"))
    tail = f"Timestamp\n2026-03-02T08:00:07.250Z\nTopicArn\n{TOPIC}\nType\nNotification\n"
    assert with_subject.signed_text.decode() == f"Message\nM\nMessageId\nI\nSubject\nS\n{tail}"
    assert without.signed_text.decode() == f"Message\nM\nMessageId\nI\n{tail}"


def test_a_null_subject_is_an_absent_one() -> None:
    body = json.dumps({**sign(make_message()), "Subject": None}).encode()
    assert b"Subject" not in parse_envelope(body).signed_text


def test_a_body_over_256_kb_is_too_large() -> None:
    filler = "x" * (MAX_BODY_BYTES - len(make_signed_body(Message="")))
    body = make_signed_body(Message=filler)
    assert len(body) == MAX_BODY_BYTES
    assert parse_envelope(body).message == filler
    with pytest.raises(TooLarge):
        parse_envelope(make_signed_body(Message=filler + "x"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"{}",
        b"\0",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"Type": "Notification"}',
        make_signed_body().replace(b'"Notification"', b'"Surprise"'),
        make_signed_body().replace(b'"Notification"', b"7"),
        make_signed_body().replace(b'"Notification"', b'["Notification"]'),
        make_signed_body().replace(b"2026-03-02T08:00:07.250Z", b"yesterday"),
        make_signed_body(Subject="a\0b"),
        make_signed_body(Message="a\0b"),
        make_signed_body(MessageId="\0"),
        make_signed_body().replace(b'"Message":', b'"Message":"\\ud800","M":'),
        make_signed_body("SubscriptionConfirmation").replace(b'"Token"', b'"Tokens"'),
    ],
)
def test_what_is_no_sns_message_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_envelope(body)


@pytest.mark.parametrize(
    "name", ["Message", "MessageId", "TopicArn", "Signature", "SigningCertURL", "Subject"]
)
@pytest.mark.parametrize("value", [7, True, [], {}, ["text"]])
def test_wrong_types_are_malformed(name: str, value: Any) -> None:
    with pytest.raises(MalformedRequest):
        parse_envelope(json.dumps({**sign(make_message()), name: value}).encode())


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_malformed_at_most(body: bytes) -> None:
    with pytest.raises(MalformedRequest):
        parse_envelope(body)
