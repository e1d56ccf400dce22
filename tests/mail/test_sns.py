"""SNS messages verified: what SNS signed passes, everything else is refused alike."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from app.core import clock
from app.core.errors import AppError, Forbidden, MalformedRequest, Unavailable
from app.mail.envelopes import Envelope, parse_envelope
from app.mail.sns import SnsVerifier
from tests.mail.sns_signer import (
    CERTIFICATE_URL,
    SIGNED_FIELDS,
    TOPIC,
    make_certificate,
    make_envelope,
    make_message,
    sign,
    signing_key,
)
from tests.mail.sns_web import Web
from tests.mail.test_topics import LOOK_ALIKES

pytestmark = pytest.mark.anyio

KINDS = list(SIGNED_FIELDS)


async def refusal(verifier: SnsVerifier, envelope: Envelope) -> tuple[type[AppError], str, int]:
    with pytest.raises(Forbidden) as refused:
        await verifier.verify(envelope)
    return type(refused.value), refused.value.detail, refused.value.status


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", ["1", "2"])
async def test_what_sns_signed_is_accepted(pinned: SnsVerifier, web: Web, kind: str, version: str) -> None:
    await pinned.verify(make_envelope(kind, SignatureVersion=version))
    await pinned.verify(make_envelope(kind, SignatureVersion=version, Message='Grüße\n🎻 \\n "quoted"'))
    assert web.urls == []


async def test_a_subject_is_signed_where_there_is_one(pinned: SnsVerifier) -> None:
    signed = sign(make_message(Subject="Hello"))
    await pinned.verify(parse_envelope(json.dumps(signed).encode()))
    del signed["Subject"]
    await refusal(pinned, parse_envelope(json.dumps(signed).encode()))


async def test_the_certificate_is_fetched_once(verifier: SnsVerifier, web: Web) -> None:
    for number in range(5):
        await verifier.verify(make_envelope(MessageId=str(number)))
    assert web.urls == [CERTIFICATE_URL]


async def test_two_thousand_one_byte_mutations_are_refused(pinned: SnsVerifier) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201
    dice = random.Random(seed)
    messages = [
        sign(make_message(kind, SignatureVersion=version)) for kind in KINDS for version in ("1", "2")
    ]
    for _ in range(2_000):
        message = dict(dice.choice(messages))
        kind = message["Type"]
        name = dice.choice([*SIGNED_FIELDS[kind], "Signature", "SignatureVersion"])
        if name not in message:
            name = "Signature"
        place = dice.randrange(len(message[name]))
        mutant = chr(ord(message[name][place]) ^ (1 << dice.randrange(7)))
        message[name] = message[name][:place] + mutant + message[name][place + 1 :]
        with pytest.raises((Forbidden, MalformedRequest)):
            await pinned.verify(parse_envelope(json.dumps(message).encode()))


async def test_a_signature_has_one_spelling(pinned: SnsVerifier) -> None:
    signed = sign(make_message())
    assert signed["Signature"].endswith("==")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    last = signed["Signature"][-3]
    same_bytes = alphabet[alphabet.index(last) ^ 1]
    for spelling in (
        signed["Signature"][:-3] + same_bytes + "==",
        signed["Signature"] + "\n",
        signed["Signature"] + "====",
        signed["Signature"].rstrip("="),
        " " + signed["Signature"],
        "",
        "é",
    ):
        await refusal(pinned, parse_envelope(json.dumps({**signed, "Signature": spelling}).encode()))


@pytest.mark.parametrize("url", LOOK_ALIKES)
async def test_certificate_look_alikes_cause_no_request(verifier: SnsVerifier, web: Web, url: str) -> None:
    await refusal(verifier, make_envelope()._replace(certificate_url=url))
    assert web.urls == []


async def test_a_pin_does_not_lift_the_host_rule(client: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "sns.pem").write_bytes(make_certificate())
    elsewhere = "https://evil.test/SimpleNotificationService-12.pem"
    verifier = SnsVerifier(frozenset({TOPIC}), {elsewhere: str(tmp_path / "sns.pem")}, client)
    await refusal(verifier, make_envelope(SigningCertURL=elsewhere))


async def test_every_refusal_is_the_same_and_says_nothing(verifier: SnsVerifier, web: Web) -> None:
    foreign = parse_envelope(json.dumps(sign(make_message(), signing_key(1))).encode())
    refusals = [
        await refusal(verifier, make_envelope(TopicArn=TOPIC + "-other")),
        await refusal(verifier, make_envelope(SigningCertURL="https://evil.test/x.pem")),
        await refusal(verifier, make_envelope(SignatureVersion="3")),
        await refusal(verifier, make_envelope()._replace(signature="????")),
        await refusal(verifier, foreign),
    ]
    web.answer = httpx.Response(404)
    missing = CERTIFICATE_URL.replace("0123", "9999")
    refusals.append(await refusal(verifier, make_envelope(SigningCertURL=missing)))
    assert len(set(refusals)) == 1
    assert refusals[0] == (Forbidden, "This SNS message is refused.", 403)


async def test_the_allow_list_comes_first(client: httpx.AsyncClient, web: Web) -> None:
    verifier = SnsVerifier(frozenset(), {}, client)
    await refusal(verifier, make_envelope())
    assert web.urls == []


async def test_a_certificate_that_cannot_be_fetched_is_unavailable(verifier: SnsVerifier, web: Web) -> None:
    web.error = httpx.ConnectError("refused")
    for _ in range(2):
        with pytest.raises(Unavailable):
            await verifier.verify(make_envelope())
    assert len(web.urls) == 1


async def test_a_redirect_is_not_followed(verifier: SnsVerifier, web: Web) -> None:
    web.answer = httpx.Response(302, headers={"Location": "https://evil.test/x.pem"})
    await refusal(verifier, make_envelope())
    assert web.urls == [CERTIFICATE_URL]


@pytest.mark.parametrize("year", [2019, 2031])
async def test_a_fetched_certificate_must_be_valid_now(
    verifier: SnsVerifier, web: Web, monkeypatch: pytest.MonkeyPatch, year: int
) -> None:
    web.answer = httpx.Response(200, content=make_certificate(days=3_650))
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 3, 2, tzinfo=UTC))
    await verifier.verify(make_envelope())
    monkeypatch.setattr(clock, "now", lambda: datetime(year, 3, 2, tzinfo=UTC))
    await refusal(verifier, make_envelope())
