"""A platform's identity provider under test: its keys, its key set over HTTP, and tokens of any kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from app.core.clock import now
from app.schools.jwks import KeySet
from app.schools.tokens import TokenVerifier

ISSUER, AUDIENCE, URL = "https://id.platform.example", "campaigns", "https://id.platform.example/jwks"
RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505  # to be refused
EC = ec.generate_private_key(ec.SECP256R1())
OTHER_EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def show_rsa(key: rsa.RSAPrivateKey, **members: Any) -> dict[str, Any]:
    """Return the public half as the key set has it."""
    return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | members


def show_ec(key: ec.EllipticCurvePrivateKey, **members: Any) -> dict[str, Any]:
    """Return the public half as the key set has it."""
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | members


def show_ed(**members: Any) -> dict[str, Any]:
    """Return the public half as the key set has it."""
    return OKPAlgorithm.to_jwk(ED.public_key(), as_dict=True) | members


@dataclass(slots=True)
class Issuer:
    """An identity provider that counts who asks for its keys, and can be away."""

    keys: list[dict[str, Any]] = field(
        default_factory=lambda: [show_rsa(RSA, kid="r1", use="sig"), show_ec(EC, kid="e1"), show_ed(kid="d1")]
    )
    body: bytes | None = None
    status: int = 200
    is_away: bool = False
    asked: int = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer with the key set; anything else than its URL was asked of nobody."""
        assert str(request.url) == URL
        self.asked += 1
        if self.is_away:
            raise httpx.ConnectError("away", request=request)
        body = self.body if self.body is not None else orjson.dumps({"keys": self.keys})
        return httpx.Response(self.status, content=body, headers={"Location": "https://elsewhere.example"})

    def make_key_set(self) -> KeySet:
        """Return the product's own key set, which asks this provider."""
        return KeySet(URL, httpx.AsyncClient(transport=httpx.MockTransport(self.answer)))

    def make_verifier(self) -> TokenVerifier:
        """Return the product's own judge of tokens."""
        return TokenVerifier(issuer=ISSUER, audience=AUDIENCE, keys=self.make_key_set())


def make_claims(school_id: object, **changes: Any) -> dict[str, Any]:
    """Return good claims with changes; None leaves one out."""
    at = now()
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "admin-7",
        "name": "Ana Ruiz",
        "school_id": str(school_id),
        "scope": "campaigns:read messages:send",
        "iat": at,
        "exp": at + timedelta(minutes=5),
    }
    return {name: value for name, value in (claims | changes).items() if value is not None}


def sign(
    claims: Mapping[str, Any],
    *,
    key: Any = RSA,
    algorithm: str = "RS256",
    kid: str | None = "r1",
    headers: Mapping[str, Any] | None = None,
) -> str:
    """Return a token of these claims."""
    header = dict(headers or {}) | ({"kid": kid} if kid is not None else {})
    return jwt.encode(dict(claims), key, algorithm=algorithm, headers=header)
