"""The platform's tokens: wholly right ones open their school, all others nothing, and all look the same."""

import base64
import os
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import jwt
import orjson
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from fastapi import FastAPI

from app.core.clock import now
from app.core.config import Settings
from app.schools import jwks
from app.schools.jwks import KeysUnavailable
from app.schools.tokens import LEEWAY_SECONDS, TokenVerifier, make_verifier
from tests.access.issuer import (
    AUDIENCE,
    EC,
    ED,
    ISSUER,
    OTHER_EC,
    RSA,
    WEAK,
    Issuer,
    make_claims,
    show_ec,
    show_ed,
    show_rsa,
    sign,
)
from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient

pytestmark = pytest.mark.usefixtures("unlimited")
SCHOOL = uuid4()
SOAK_TOKENS = int(os.environ.get("SOAK_TOKENS", "1000000"))  # the tests' own setting
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ "


@pytest.fixture
async def issuer(app: FastAPI) -> Issuer:
    """The identity provider that the API trusts."""
    issuer = Issuer()
    app.state.tokens = issuer.make_verifier()
    return issuer


def _bear(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).rstrip(b"=").decode()


async def test_a_person_acts_for_their_school_under_their_own_name(
    issuer: Issuer, public: httpx.AsyncClient, school: SchoolClient
) -> None:
    await school.push_users(1)
    token = sign(make_claims(school.id))
    sent = await public.post("/v1/messages", json=MESSAGE, headers=_bear(token))
    assert sent.status_code == 202, sent.text
    assert sent.json()["sent_by"] == {"id": "admin-7", "name": "Ana Ruiz"}
    entries = (await school.read("/v1/audit", actor="admin-7"))["items"]
    assert [each["action"] for each in entries] == ["send.message"]
    assert entries[0]["actor"] == {"kind": "person", "id": "admin-7", "name": "Ana Ruiz"}
    assert entries[0]["request_id"] == sent.headers["x-request-id"]
    read_faults(await public.get("/v1/directory/users", headers=_bear(token)), 403)


async def test_a_person_cannot_send_as_another_but_a_key_can(
    issuer: Issuer, public: httpx.AsyncClient, school: SchoolClient
) -> None:
    await school.push_users(1)
    headers = _bear(sign(make_claims(school.id)))
    other = MESSAGE | {"sent_by": {"id": "admin-8", "name": "Bo"}}
    refused = await public.post("/v1/messages", json=other, headers=headers)
    assert read_faults(refused).keys() == {"/sent_by/id"}
    assert (await school.send(sent_by=other["sent_by"]))["sent_by"] == other["sent_by"]


async def test_a_token_of_an_unknown_school_or_another_sees_nothing(
    issuer: Issuer, public: httpx.AsyncClient, school: SchoolClient, other_school: SchoolClient
) -> None:
    await school.push_users(1)
    campaign = await school.send()
    unknown = await public.get("/v1/campaigns", headers=_bear(sign(make_claims(uuid4()))))
    assert read_faults(unknown, 401) == {}
    headers = _bear(sign(make_claims(other_school.id)))
    assert (await public.get("/v1/campaigns", headers=headers)).json()["items"] == []
    assert (await public.get(f"/v1/campaigns/{campaign['id']}", headers=headers)).status_code == 404


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"),
    [(RSA, "RS256", "r1"), (RSA, "PS512", "r1"), (EC, "ES256", "e1"), (ED, "EdDSA", "d1")],
)
async def test_asymmetric_algorithms_are_taken(key: Any, algorithm: str, kid: str) -> None:
    token = sign(make_claims(SCHOOL), key=key, algorithm=algorithm, kid=kid)
    claims = await Issuer().make_verifier().verify(token)
    assert claims is not None
    assert (claims.school_id, claims.subject, claims.name) == (SCHOOL, "admin-7", "Ana Ruiz")
    assert claims.scopes == {"campaigns:read", "messages:send"}


def _claims(**changes: Any) -> Callable[[], str]:
    return lambda: sign(make_claims(SCHOOL, **changes))


def _forge_hmac() -> str:
    """The public key as the secret of an HMAC: what a verifier takes that trusts the header's `alg`."""
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head = _segment({"alg": "HS256", "kid": "r1", "typ": "JWT"}) + "." + _segment({"sub": "admin-7"})
    mac = jwt.get_algorithm_by_name("HS256").sign(head.encode(), public)
    return head + "." + base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def _headers(**headers: Any) -> Callable[[], str]:
    return lambda: sign(make_claims(SCHOOL), key=OTHER_EC, algorithm="ES256", kid="e1", headers=headers)


PAST = timedelta(seconds=LEEWAY_SECONDS + 5)
REFUSED: dict[str, Callable[[], str]] = {
    "expired": lambda: sign(make_claims(SCHOOL, exp=now() - PAST)),
    "without exp": _claims(exp=None),
    "not yet": lambda: sign(make_claims(SCHOOL, nbf=now() + PAST)),
    "issued later": lambda: sign(make_claims(SCHOOL, iat=now() + PAST)),
    "endless": _claims(exp=1e400),
    "of another issuer": _claims(iss="https://id.elsewhere.example"),
    "of nobody": _claims(iss=None),
    "for others": _claims(aud=["other", "another"]),
    "for nobody": _claims(aud=None),
    "without sub": _claims(sub=None),
    "empty sub": _claims(sub=""),
    "long sub": _claims(sub="x" * 256),
    "odd sub": _claims(sub="a\x00b"),
    "without school": lambda: sign(make_claims(SCHOOL) | {"school_id": None}),
    "odd school": lambda: sign(make_claims("school")),
    "without scope": _claims(scope=None),
    "scope of another type": _claims(scope=["campaigns:read"]),
    "name of another type": _claims(name={"a": 1}),
    "unknown key": lambda: sign(make_claims(SCHOOL), kid="r9"),
    "another's key": lambda: sign(make_claims(SCHOOL), key=OTHER_EC, algorithm="ES256", kid="e1"),
    "none": lambda: jwt.encode(make_claims(SCHOOL), "", algorithm="none"),
    "None in capitals": lambda: _segment({"alg": "NONE"}) + "." + _segment({"sub": "x"}) + ".",
    "hmac of the public key": _forge_hmac,
    "algorithm of another key": lambda: sign(make_claims(SCHOOL), kid="e1"),
    "jku": _headers(jku="https://elsewhere.example/jwks"),
    "x5u": _headers(x5u="https://elsewhere.example/cert.pem"),
    "jwk": _headers(jwk=show_ec(OTHER_EC)),
    "crit": lambda: sign(make_claims(SCHOOL), headers={"crit": ["b64"], "b64": False}),
    "too long": _claims(name="x" * 9000),
    "nested": lambda: _segment({"alg": "RS256"}) + "." + "W1tb" * 2000 + ".AAAA",
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_not_wholly_right_is_refused(what: str) -> None:
    issuer = Issuer()
    assert await issuer.make_verifier().verify(REFUSED[what]()) is None
    assert issuer.asked <= 1


async def test_every_refusal_is_the_same_answer(issuer: Issuer, public: httpx.AsyncClient) -> None:
    answers = [await public.get("/v1/school", headers=_bear(make())) for make in REFUSED.values()]
    answers.append(await public.get("/v1/school", headers=_bear("ck_short")))
    answers.append(await public.get("/v1/school"))
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {"Bearer"}


async def test_a_few_seconds_of_two_clocks_are_forgiven() -> None:
    early = make_claims(SCHOOL, nbf=now() + timedelta(seconds=20), exp=now() - timedelta(seconds=20))
    assert await Issuer().make_verifier().verify(sign(early)) is not None


def _mutate(token: str, draw: random.Random) -> str:
    """Change, add or leave out one character."""
    place = draw.randrange(len(token) - 1)  # the very last character of a signature has spare bits
    before, char, after = token[:place], token[place], token[place + 1 :]
    match draw.randrange(3):
        case 0:
            return before + draw.choice(ALPHABET.replace(char, "")) + after
        case 1:
            return before + draw.choice(ALPHABET.replace(char, "")) + char + after
        case _:
            return before + after


@pytest.mark.parametrize("count", [1000, pytest.param(SOAK_TOKENS, marks=pytest.mark.soak)])
async def test_a_mutated_token_is_refused(count: int) -> None:
    verifier = Issuer().make_verifier()
    claims = make_claims(SCHOOL, exp=now() + timedelta(days=1))  # that it is too old must not be why
    token = sign(claims, key=ED, algorithm="EdDSA", kid="d1")
    seed = random.randrange(2**32)
    print(f"seed {seed}, {count} tokens")  # noqa: T201
    draw = random.Random(seed)
    for _ in range(count):
        mutated = _mutate(token, draw)
        assert await verifier.verify(mutated) is None, (seed, mutated)
    assert await verifier.verify(token) is not None


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "kid": "r1", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
        show_rsa(WEAK, kid="r1"),
        show_rsa(RSA, kid="r1", use="enc"),
        show_rsa(RSA, kid="r1", alg="RS512"),
        show_rsa(RSA, kid="r1", key_ops=["encrypt"]),
        show_rsa(RSA, kid="r1", d="AQAB"),
        {"kty": "RSA", "kid": "r1", "n": "!", "e": "AQAB"},
        {"kty": "RSA", "kid": 5},
        "r1",
    ],
)
async def test_a_key_that_is_not_fit_is_not_used(entry: Any) -> None:
    issuer = Issuer(keys=[entry, show_ed(kid="d1")])
    assert await issuer.make_verifier().verify(sign(make_claims(SCHOOL))) is None


async def test_a_lone_key_needs_no_id_but_two_do() -> None:
    token = sign(make_claims(SCHOOL), kid=None)
    assert await Issuer(keys=[show_rsa(RSA)]).make_verifier().verify(token) is not None
    two = [show_rsa(WEAK, kid="a"), show_rsa(RSA, kid="b"), show_rsa(RSA, kid="c")]
    assert await Issuer(keys=two).make_verifier().verify(token) is None


async def _verify(verifier: TokenVerifier, **how: Any) -> bool:
    return await verifier.verify(sign(make_claims(SCHOOL), **how)) is not None


async def test_unknown_key_ids_ask_the_provider_once_in_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(keys=[show_rsa(RSA, kid="r1")])
    verifier = issuer.make_verifier()
    assert await _verify(verifier)
    for number in range(50):
        assert not await _verify(verifier, kid=f"made-up-{number}")
    assert issuer.asked == 1
    issuer.keys.append(show_ec(EC, kid="e2"))
    monkeypatch.setattr(jwks, "COOLDOWN_SECONDS", 0.0)
    assert await _verify(verifier, key=EC, algorithm="ES256", kid="e2")
    assert issuer.asked == 2


@pytest.mark.parametrize(
    "trouble",
    [
        {"is_away": True},
        {"status": 500},
        {"status": 302},
        {"body": b"not JSON"},
        {"body": b'{"keys": 5}'},
        {"body": b'{"keys": []}'},
        {"body": b" " * (jwks.LARGEST_SET + 1)},
    ],
)
async def test_the_last_keys_hold_while_the_provider_is_away(
    trouble: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    issuer = Issuer()
    verifier = issuer.make_verifier()
    assert await _verify(verifier)
    for name, value in trouble.items():
        setattr(issuer, name, value)
    monkeypatch.setattr(jwks, "COOLDOWN_SECONDS", 0.0)
    monkeypatch.setattr(jwks, "FRESH_SECONDS", 0.0)
    assert await _verify(verifier)
    assert issuer.asked == 2


async def test_a_key_that_was_taken_back_is_trusted_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer()
    verifier = issuer.make_verifier()
    assert await _verify(verifier)
    issuer.keys = [show_ec(EC, kid="e1")]
    monkeypatch.setattr(jwks, "COOLDOWN_SECONDS", 0.0)
    monkeypatch.setattr(jwks, "FRESH_SECONDS", 0.0)
    assert not await _verify(verifier)


async def test_before_the_keys_were_ever_read_nobody_is_judged(
    app: FastAPI, public: httpx.AsyncClient, school: SchoolClient
) -> None:
    issuer = Issuer(is_away=True)
    app.state.tokens = issuer.make_verifier()
    with pytest.raises(KeysUnavailable):
        await app.state.tokens.verify(sign(make_claims(school.id)))
    answer = await public.get("/v1/school", headers=_bear(sign(make_claims(school.id))))
    read_faults(answer, 503)
    assert issuer.asked == 1
    assert (await school.http.get("/v1/school")).status_code == 200  # keys of ours need nobody


async def test_the_keys_may_be_in_a_file(settings: Settings, tmp_path: Any) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(orjson.dumps({"keys": [show_rsa(RSA, kid="r1")]}))
    named = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks": str(path)}
    async with httpx.AsyncClient() as client:
        verifier = make_verifier(settings.model_copy(update=named), client)
        assert verifier is not None
        assert await _verify(verifier)
        assert make_verifier(settings, client) is None


async def test_both_kinds_of_credential_are_in_the_document(built_app: FastAPI) -> None:
    schemes = built_app.openapi()["components"]["securitySchemes"]
    assert {name: scheme.get("bearerFormat") for name, scheme in schemes.items()} == {
        "ApiKey": None,
        "PlatformToken": "JWT",
    }
