"""The platform's JWT (RFC 7519, RFC 8725): who a person is, of which school, and what they may do."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx
import jwt

from app.core.config import Settings
from app.schools.jwks import KeySet
from app.schools.scopes import ALL_SCOPES

LEEWAY_SECONDS = 30
LONGEST = 8192
_LONGEST_NAME = 255
_REQUIRED = ["exp", "iss", "aud", "sub", "school_id", "scope"]


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says that we trust."""

    school_id: UUID
    subject: str
    name: str
    scopes: frozenset[str]
    expires_at: datetime


def make_verifier(settings: Settings, client: httpx.AsyncClient) -> "TokenVerifier | None":
    """Return the judge of the tokens that the settings speak of, or None where there are none."""
    issuer, audience, source = settings.jwt_issuer, settings.jwt_audience, settings.jwt_jwks
    if issuer is None or audience is None or source is None:
        return None
    return TokenVerifier(issuer=issuer, audience=audience, keys=KeySet(source, client))


class TokenVerifier:
    """Judges tokens of one issuer for one audience by the issuer's public keys."""

    def __init__(self, *, issuer: str, audience: str, keys: KeySet) -> None:
        self._issuer = issuer
        self._audience = audience
        self._keys = keys

    async def verify(self, token: str) -> Claims | None:
        """Return the claims, or None for any token that is not wholly right; KeysUnavailable as KeySet says.

        The key is found by the header's `kid` and `alg` among the issuer's own, nowhere else: `jku`, `x5u`,
        `jwk` and `x5c` are not looked at, and a key fits no algorithm but those of its kind.
        """
        header = _read_header(token)
        if header is None:
            return None
        key = await self._keys.find(header.get("kid"), header["alg"])
        if key is None:
            return None
        try:
            payload = jwt.decode(
                token,
                key,
                algorithms=[header["alg"]],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except (jwt.PyJWTError, ValueError, OverflowError, TypeError, RecursionError):
            return None
        return _read_claims(payload)


def _read_header(token: str) -> dict[str, Any] | None:
    """Return the header if the token can be one of ours at all."""
    if len(token) > LONGEST or token.count(".") != 2 or not token.isascii():
        return None
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError):
        return None
    # An extension that must be understood is one we do not know (RFC 7515 section 4.1.11).
    if not isinstance(header.get("alg"), str) or "crit" in header or header.get("b64") is False:
        return None
    return header


def _read_claims(payload: dict[str, Any]) -> Claims | None:
    subject, name = payload["sub"], payload.get("name") or payload["sub"]
    school, scope = payload["school_id"], payload["scope"]
    if not all(isinstance(each, str) for each in (subject, name, school, scope)):
        return None
    if not subject or len(subject) > _LONGEST_NAME or not subject.isprintable():
        return None
    try:
        school_id, expires_at = UUID(school), datetime.fromtimestamp(int(payload["exp"]), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    shown = " ".join("".join(char if char.isprintable() else " " for char in name).split())[:_LONGEST_NAME]
    granted = set(scope.split(" "))
    return Claims(
        school_id=school_id,
        subject=subject,
        name=shown or subject,
        scopes=frozenset(str(each) for each in ALL_SCOPES if each in granted),
        expires_at=expires_at,
    )
