"""A credential as it comes: an API key or the platform's token; what it claims, and whether that is so."""

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.schools.caller import Caller
from app.schools.keys import PREFIX, KeyParts, find_valid_key, parse_key
from app.schools.models import ApiKey, School
from app.schools.tokens import Claims, TokenVerifier

LAST_USE_GRAIN = timedelta(minutes=1)
Credential = KeyParts | Claims
"""A key is not known to be valid before the database was asked; claims were signed by the platform."""


def read_bearer(header: str) -> str:
    """Return what follows `Bearer` in an `Authorization` header (RFC 6750 section 2.1), or nothing."""
    scheme, _, text = header.partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


async def read_credential(text: str, tokens: TokenVerifier | None) -> Credential | None:
    """Take a credential apart; None when it is no key and no token of the platform's."""
    if text.startswith(PREFIX):
        return parse_key(text)
    return await tokens.verify(text) if tokens is not None else None


def name_owner(credential: Credential) -> bytes:
    """Return whose requests a credential's are: the whole key's, so that nobody can use up another's."""
    if isinstance(credential, KeyParts):
        return credential.school_id.bytes + credential.key_id.bytes + credential.secret
    return credential.school_id.bytes + credential.subject.encode()


async def authenticate(session: AsyncSession, credential: Credential) -> Caller | None:
    """Return who calls, or None when the key is not valid (any more) or the token's school is unknown."""
    if isinstance(credential, Claims):
        if await session.scalar(select(School.id).where(School.id == credential.school_id)) is None:
            return None
        return Caller(
            school_id=credential.school_id,
            key_id=None,
            name=credential.name,
            scopes=credential.scopes,
            subject=credential.subject,
            expires_at=credential.expires_at,
        )
    row = await find_valid_key(session, parts=credential)
    if row is None:
        return None
    if row.last_used_at is None or row.last_used_at < now() - LAST_USE_GRAIN:
        await session.execute(
            update(ApiKey)
            .where(ApiKey.school_id == row.school_id, ApiKey.id == row.id)
            .values(last_used_at=now())
            .execution_options(synchronize_session=False)
        )
    return Caller(row.school_id, row.id, row.name, frozenset(row.scopes))
