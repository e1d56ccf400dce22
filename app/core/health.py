"""`/healthz`: the process lives. `/readyz`: it can do its work, or which service it waits for."""

import asyncio

from fastapi import APIRouter, Request, Response
from sqlalchemy import text

from app.core.db import Database, is_disconnect

router = APIRouter(tags=["Health"])
PATIENCE_SECONDS = 2


@router.get("/healthz", operation_id="check_health", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answer at once."""
    return {"status": "ok"}


@router.get("/readyz", operation_id="check_readiness", summary="Can the process work?")
async def readyz(request: Request, response: Response) -> dict[str, str]:
    """Ask PostgreSQL and Redis; 503 names which is away. Tracking goes on without Redis."""
    state = request.app.state
    services = {
        "postgresql": await _ask_database(state.database),
        "redis": "ok" if await state.queue.is_up() else "away",
    }
    if "away" in services.values():
        response.status_code = 503
    return services


async def _ask_database(database: Database) -> str:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS), database.connection() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:
        if is_disconnect(error):
            return "away"
        raise
    return "ok"
