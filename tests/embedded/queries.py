"""SQL in one call, from tests that have no event loop of their own."""

import asyncio
from typing import Any

import asyncpg


def run_sql(url: str, *statements: str) -> Any:
    """Run the statements on one connection and return the first value of the last one."""
    return asyncio.run(_run(url, statements))


async def _run(url: str, statements: tuple[str, ...]) -> Any:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        *before, last = statements
        for statement in before:
            await connection.execute(statement)
        return await connection.fetchval(last)
    finally:
        await connection.close()
