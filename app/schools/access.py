"""Who is calling, and the transaction that belongs to them. Routes take both from here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.params import Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import add_headers, name_route
from app.core.db import Database
from app.core.errors import Forbidden, Unauthenticated, Unavailable
from app.schools.audit.record import set_actor
from app.schools.caller import Caller as Caller  # noqa: PLC0414  # routes take both from here
from app.schools.credentials import Credential, authenticate, name_owner, read_bearer, read_credential
from app.schools.jwks import KeysUnavailable
from app.schools.scopes import Scope
from app.schools.throttle import classify

# They stand in the OpenAPI document, each route with its scope; the header itself is read by `_open`.
_key = HTTPBearer(auto_error=False, scheme_name="ApiKey", description="An API key (`ck_…`).")
_token = HTTPBearer(
    auto_error=False,
    scheme_name="PlatformToken",
    bearerFormat="JWT",
    description="A token of the platform's identity provider, with the claims `iss`, `aud`, `exp`, `sub`, "
    "`name`, `school_id`, and `scope` (scopes separated by spaces).",
)
ByKey = Annotated[HTTPAuthorizationCredentials | None, Depends(_key)]
ByToken = Annotated[HTTPAuthorizationCredentials | None, Depends(_token)]


@dataclass(frozen=True, slots=True)
class Tenant:
    """A request's caller and its one transaction, which sees that caller's school alone."""

    caller: Caller
    session: AsyncSession

    @property
    def school_id(self) -> UUID:
        """The caller's school."""
        return self.caller.school_id


async def _open(request: Request) -> AsyncIterator[Tenant]:
    credential = await _read(request)
    database: Database = request.app.state.database
    caller = None
    if credential is not None:
        kind = classify(request.method, name_route(request.scope))
        limits = await request.app.state.throttle.admit(kind, name_owner(credential))
        async with database.tenant_transaction(credential.school_id) as session:
            caller = await authenticate(session, credential)
            if caller is not None:
                add_headers(request, limits)
                set_actor(session, caller.actor)
                _name_in_logs(caller)
                yield Tenant(caller, session)
    if caller is None:
        # No connection is held meanwhile, and who sent nothing has guessed nothing.
        if "authorization" in request.headers:
            await request.app.state.throttle.count_failure(request.client.host if request.client else "")
        raise Unauthenticated(headers={"WWW-Authenticate": "Bearer"})


async def _read(request: Request) -> Credential | None:
    try:
        return await read_credential(
            read_bearer(request.headers.get("authorization", "")), request.app.state.tokens
        )
    except KeysUnavailable:
        raise Unavailable(
            "The identity provider's keys cannot be read.", headers={"Retry-After": "5"}
        ) from None


def _name_in_logs(caller: Caller) -> None:
    """Note whose request it is: a key by its id; a person by no more than that it is one."""
    credential = "person" if caller.key_id is None else str(caller.key_id)
    structlog.contextvars.bind_contextvars(school_id=str(caller.school_id), key_id=credential)


async def _identify(request: Request) -> Caller:
    async with asynccontextmanager(_open)(request) as tenant:
        return tenant.caller


# The function scope ends the transaction before the answer leaves: a failing commit is then an error,
# where FastAPI's default scope would have answered 200 first.
Opened = Annotated[Tenant, Depends(_open, scope="function")]
Identified = Annotated[Caller, Depends(_identify)]


def _check(caller: Caller, scope: Scope) -> None:
    if scope not in caller.scopes:
        raise Forbidden(f"This credential lacks the scope {scope}.")


async def _let_in(tenant: Opened, _by_key: ByKey, _by_token: ByToken) -> Tenant:
    return tenant


def allowed_to(scope: Scope) -> Any:  # FastAPI's marker for a dependency has no public type
    """Return the dependency that gives a Tenant whose credential has this scope."""

    async def check(tenant: Opened, _by_key: ByKey, _by_token: ByToken) -> Tenant:
        _check(tenant.caller, scope)
        return tenant

    return Security(check, scope="function", scopes=[str(scope)])


def allowed_to_stream(scope: Scope) -> Any:  # as above
    """Return the dependency that gives a Caller with this scope and holds no transaction for them.

    For requests that last: each of their transactions is their own, and short.
    """

    async def check(caller: Identified, _by_key: ByKey, _by_token: ByToken) -> Caller:
        _check(caller, scope)
        return caller

    return Security(check, scopes=[str(scope)])


OpenTenant = Annotated[Tenant, Depends(_let_in, scope="function")]
CanReadDirectory = Annotated[Tenant, allowed_to(Scope.DIRECTORY_READ)]
CanWriteDirectory = Annotated[Tenant, allowed_to(Scope.DIRECTORY_WRITE)]
CanStreamDirectory = Annotated[Caller, allowed_to_stream(Scope.DIRECTORY_WRITE)]
CanSend = Annotated[Tenant, allowed_to(Scope.MESSAGES_SEND)]
CanReadCampaigns = Annotated[Tenant, allowed_to(Scope.CAMPAIGNS_READ)]
CanWriteCampaigns = Annotated[Tenant, allowed_to(Scope.CAMPAIGNS_WRITE)]
CanWritePreferences = Annotated[Tenant, allowed_to(Scope.PREFERENCES_WRITE)]
CanManageKeys = Annotated[Tenant, allowed_to(Scope.KEYS_MANAGE)]
