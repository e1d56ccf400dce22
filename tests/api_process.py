"""A process of the API, for what has to be tried from outside."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from app.core.config import Settings
from app.demo.stack import find_free_port
from tests.cli.commands import inherit, make_environment, prepare
from tests.waiting import eventually

START_SECONDS = 60.0


@asynccontextmanager
async def serve_api(settings: Settings, **environment: str) -> AsyncIterator[str]:
    """Run the API on the tests' own database, with these settings too; give its URL once it is ready."""
    port = find_free_port()
    url = f"http://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        *prepare("api", "--port", str(port)),
        env=inherit(dict(make_environment(settings)) | environment),
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await eventually(lambda: _is_ready(url), bool, seconds=START_SECONDS)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _is_ready(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as http:
        try:
            return (await http.get(f"{url}/readyz")).is_success
        except httpx.TransportError:
            return False
