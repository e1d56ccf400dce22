"""`/healthz`: the process lives. `/readyz`: it can do its work, or which service it waits for."""

import asyncio
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from sqlalchemy import text
from typing_extensions import TypeAliasType

from app.core.db import Database, is_disconnect
from app.core.schema import View, exemplify

router = APIRouter(tags=["Health"])
PATIENCE_SECONDS = 2
ServiceState = TypeAliasType("ServiceState", Literal["ok", "away"])


class Health(View):
    """The process answers."""

    model_config = exemplify(status="ok")

    status: Literal["ok"]


class Readiness(View):
    """Which of the services that the process needs answer it."""

    model_config = exemplify(postgresql="ok", redis="ok")

    postgresql: ServiceState
    redis: ServiceState


_AWAY: dict[str, Any] = {
    "model": Readiness,
    "description": "Service unavailable",
    "content": {"application/json": {"example": {"postgresql": "ok", "redis": "away"}}},
}


@router.get("/healthz", operation_id="check_health", summary="Is the process alive?")
async def healthz() -> Health:
    """Answer at once."""
    return Health(status="ok")


@router.get(
    "/readyz", operation_id="check_readiness", summary="Can the process work?", responses={503: _AWAY}
)
async def readyz(request: Request, response: Response) -> Readiness:
    """Ask PostgreSQL and Redis; 503 names which is away. Tracking goes on without Redis."""
    state = request.app.state
    services = Readiness(
        postgresql=await _ask_database(state.database),
        redis="ok" if await state.queue.is_up() else "away",
    )
    if "away" in {services.postgresql, services.redis}:
        response.status_code = 503
    return services


async def _ask_database(database: Database) -> ServiceState:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), database.connection() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:
        if is_disconnect(error):
            return "away"
        raise
    return "ok"
