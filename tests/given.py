"""A database of its own for each test process, on the server that the environment names."""

import asyncio

import asyncpg
from sqlalchemy.engine import make_url


def make_own_database(url: str, process: str) -> str:
    """Make an empty database beside the given one and return its URL; the given one is left alone."""
    given = make_url(url)
    own = given.set(database=f"{given.database}_test_{process}")
    asyncio.run(_create(given.render_as_string(hide_password=False), str(own.database)))
    return own.render_as_string(hide_password=False)


async def _create(url: str, name: str) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
