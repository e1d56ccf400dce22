"""API keys: `ck_` and 64 bytes in base64url: school id (16), key id (16), secret (32).

The key carries its school, so that the look-up goes straight to one tenant's row. The secret is random
and long, so a plain SHA-256 of it is enough to store (no password hash is needed against guessing).
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.errors import NotFound
from app.core.ids import new_id
from app.schools.audit.record import get_actor, record
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
    if body == text or len(body) != 86 or not body.isascii():
        return None
    try:
        raw = base64.b64decode(body + "==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # Base64 of 64 bytes leaves spare bits in the last character: only the canonical spelling counts.
    if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != body:
        return None
    return KeyParts(UUID(bytes=raw[:16]), UUID(bytes=raw[16:32]), raw[32:])


async def create_key(
    session: AsyncSession,
    *,
    school_id: UUID,
    name: str,
    scopes: Sequence[Scope] = ALL_SCOPES,
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Store a new key and that it was made; return its row and the key itself, which is shown this once."""
    secret, maker = secrets.token_bytes(32), get_actor(session)
    row = ApiKey(
        school_id=school_id,
        id=new_id(),
        name=name,
        scopes=[str(scope) for scope in scopes],
        secret_hash=hashlib.sha256(secret).digest(),
        expires_at=expires_at,
        created_by_kind=maker.kind,
        created_by_id=maker.id,
        created_by_name=maker.name,
    )
    session.add(row)
    until = None if expires_at is None else expires_at.isoformat()
    details = {"scopes": row.scopes, "expires_at": until}
    record(session, "create.key", school_id=school_id, kind="key", object_id=row.id, details=details)
    await session.flush()
    body = base64.urlsafe_b64encode(school_id.bytes + row.id.bytes + secret).rstrip(b"=").decode()
    return row, PREFIX + body


# Put together once: it is asked for every request.
_VALID: Final = select(ApiKey).where(
    ApiKey.school_id == bindparam("school_id"),
    ApiKey.id == bindparam("key_id"),
    ApiKey.revoked_at.is_(None),
    or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > bindparam("now")),
)


async def find_valid_key(session: AsyncSession, *, parts: KeyParts) -> ApiKey | None:
    """Return the key's row when the secret is right and the key neither expired nor revoked."""
    given = {"school_id": parts.school_id, "key_id": parts.key_id, "now": now()}
    row: ApiKey | None = await session.scalar(_VALID, given)
    if row is None or not hmac.compare_digest(row.secret_hash, hashlib.sha256(parts.secret).digest()):
        return None
    return row


async def list_keys(
    session: AsyncSession, *, school_id: UUID, before: UUID | None = None, limit: int | None = None
) -> list[ApiKey]:
    """Return the school's keys, newest first; those made before the key `before`, where it is given."""
    query = select(ApiKey).where(ApiKey.school_id == school_id)
    if before is not None:
        query = query.where(ApiKey.id < before)
    return list(await session.scalars(query.order_by(ApiKey.id.desc()).limit(limit)))


async def revoke_key(session: AsyncSession, *, school_id: UUID, key_id: UUID) -> None:
    """Revoke a key at once; revoking twice is fine and changes nothing, an unknown one is NotFound."""
    row = await session.scalar(
        select(ApiKey).where(ApiKey.school_id == school_id, ApiKey.id == key_id).with_for_update()
    )
    if row is None:
        raise NotFound("There is no such API key.")
    if row.revoked_at is None:
        row.revoked_at = now()
        record(session, "revoke.key", school_id=school_id, kind="key", object_id=key_id)
        await session.flush()
