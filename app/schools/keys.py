"""API keys: `ck_` and 64 bytes in base64url: school id (16), key id (16), secret (32).

The key carries its school, so that the look-up goes straight to one tenant's row. The secret is random
and long, so a plain SHA-256 of it is enough to store (no password hash is needed against guessing).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.errors import NotFound
from app.core.ids import new_id
from app.schools.models import ApiKey
from app.schools.scopes import ALL_SCOPES, Scope

PREFIX = "ck_"


@dataclass(frozen=True, slots=True)
class KeyParts:
    """An API key taken apart; not yet known to be valid."""

    school_id: UUID
    key_id: UUID
    secret: bytes


def parse_key(text: str) -> KeyParts | None:
    """Take an API key apart, or return None when it is not one."""
    body = text.removeprefix(PREFIX)
    if body == text or len(body) != 86:
        return None
    try:
        raw = base64.b64decode(body + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return KeyParts(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])


async def create_key(
    session: AsyncSession, *, school_id: UUID, name: str, scopes: tuple[Scope, ...] = ALL_SCOPES
) -> tuple[ApiKey, str]:
    """Store a new key; return its row and the key itself, which is shown this once."""
    secret = secrets.token_bytes(32)
    row = ApiKey(
        school_id=school_id,
        id=new_id(),
        name=name,
        scopes=[str(scope) for scope in scopes],
        secret_hash=hashlib.sha256(secret).digest(),
    )
    session.add(row)
    await session.flush()
    body = base64.urlsafe_b64encode(school_id.bytes + row.id.bytes + secret).rstrip(b"=").decode()
    return row, PREFIX + body


async def find_valid_key(session: AsyncSession, *, parts: KeyParts) -> ApiKey | None:
    """Return the key's row when the secret is right and the key neither expired nor revoked."""
    row = await session.scalar(
        select(ApiKey).where(
            ApiKey.school_id == parts.school_id,
            ApiKey.id == parts.key_id,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now()),
        )
    )
    if row is None or not hmac.compare_digest(row.secret_hash, hashlib.sha256(parts.secret).digest()):
        return None
    return row


async def list_keys(session: AsyncSession, *, school_id: UUID) -> list[ApiKey]:
    """Return the school's keys, newest first."""
    rows = await session.scalars(
        select(ApiKey).where(ApiKey.school_id == school_id).order_by(ApiKey.id.desc())
    )
    return list(rows)


async def revoke_key(session: AsyncSession, *, school_id: UUID, key_id: UUID) -> None:
    """Revoke a key at once; revoking twice is fine, an unknown one is NotFound."""
    revoked = await session.scalar(
        update(ApiKey)
        .where(ApiKey.school_id == school_id, ApiKey.id == key_id)
        .values(revoked_at=now())
        .returning(ApiKey.id)
    )
    if revoked is None:
        raise NotFound("There is no such API key.")
