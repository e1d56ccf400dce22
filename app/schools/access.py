"""Who is calling, and the transaction that belongs to them. Routes take both from here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.clock import now
from app.core.db import Database
from app.core.errors import Forbidden, Unauthenticated
from app.schools.keys import KeyParts, find_valid_key, parse_key
from app.schools.models import ApiKey
from app.schools.scopes import Scope

LAST_USE_GRAIN = timedelta(minutes=1)
bearer = HTTPBearer(auto_error=False, description="An API key (`ck_…`).", scheme_name="ApiKey")


@dataclass(frozen=True, slots=True)
class Caller:
    """A credential that was found valid, and the school it belongs to."""

    school_id: UUID
    key_id: UUID
    name: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A request's caller and its one transaction, which sees that caller's school alone."""

    caller: Caller
    session: AsyncSession

    @property
    def school_id(self) -> UUID:
        """The caller's school."""
        return self.caller.school_id


async def _open(
    request: Request, credential: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> AsyncIterator[Tenant]:
    parts = parse_key(credential.credentials) if credential else None
    if parts is None:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    database: Database = request.app.state.database
    async with database.tenant_transaction(parts.school_id) as session:
        yield Tenant(await _authenticate(session, parts), session)


async def _authenticate(session: AsyncSession, parts: KeyParts) -> Caller:
    row = await find_valid_key(session, parts=parts)
    if row is None:
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})
    structlog.contextvars.bind_contextvars(school_id=str(row.school_id), key_id=str(row.id))
    if row.last_used_at is None or row.last_used_at < now() - LAST_USE_GRAIN:
        await session.execute(
            update(ApiKey)
            .where(ApiKey.school_id == row.school_id, ApiKey.id == row.id)
            .values(last_used_at=now())
            .execution_options(synchronize_session=False)
        )
    return Caller(row.school_id, row.id, row.name, frozenset(row.scopes))


async def _identify(
    request: Request, credential: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    async with asynccontextmanager(_open)(request, credential) as tenant:
        return tenant.caller


# The function scope ends the transaction before the answer leaves: a failing commit is then an error,
# where FastAPI's default scope would have answered 200 first.
OpenTenant = Annotated[Tenant, Depends(_open, scope="function")]


def allowed_to(scope: Scope) -> Any:  # FastAPI's marker for a dependency has no public type
    """Return the dependency that gives a Tenant whose credential has this scope."""

    async def check(tenant: OpenTenant) -> Tenant:
        if scope not in tenant.caller.scopes:
            raise Forbidden(f"This credential lacks the scope {scope}.")
        return tenant

    return Depends(check, scope="function")


def allowed_to_stream(scope: Scope) -> Any:  # as above
    """Return the dependency that gives a Caller with this scope and holds no transaction for them.

    For requests that last: each of their transactions is their own, and short.
    """

    async def check(caller: Annotated[Caller, Depends(_identify)]) -> Caller:
        if scope not in caller.scopes:
            raise Forbidden(f"This credential lacks the scope {scope}.")
        return caller

    return Depends(check)


CanReadDirectory = Annotated[Tenant, allowed_to(Scope.DIRECTORY_READ)]
CanWriteDirectory = Annotated[Tenant, allowed_to(Scope.DIRECTORY_WRITE)]
CanStreamDirectory = Annotated[Caller, allowed_to_stream(Scope.DIRECTORY_WRITE)]
CanSend = Annotated[Tenant, allowed_to(Scope.MESSAGES_SEND)]
CanReadCampaigns = Annotated[Tenant, allowed_to(Scope.CAMPAIGNS_READ)]
CanWriteCampaigns = Annotated[Tenant, allowed_to(Scope.CAMPAIGNS_WRITE)]
CanWritePreferences = Annotated[Tenant, allowed_to(Scope.PREFERENCES_WRITE)]
CanManageKeys = Annotated[Tenant, allowed_to(Scope.KEYS_MANAGE)]
