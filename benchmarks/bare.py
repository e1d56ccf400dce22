"""The baselines of tracking and feedback: routes that do what no product can do without, and keep nothing.

`POST /webhooks/ses` verifies the signature and discards the event; `GET /c/{token}/{number}` redirects.
"""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.core.config import load_settings
from app.demo.stack import find_free_port
from app.mail.envelopes import parse_envelope
from app.mail.sns import SnsVerifier

DESTINATION = "https://school.example/a?x=1&y=2"


def create_bare_app() -> Starlette:
    """Build the baseline; settings come from the environment."""
    settings = load_settings()

    @asynccontextmanager
    async def live(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient() as client:
            topics = frozenset(settings.sns_topic_arns)
            app.state.sns = SnsVerifier(topics, settings.sns_pinned_certs, client)
            yield

    async def verify(request: Request) -> Response:
        await request.app.state.sns.verify(parse_envelope(await request.body()))
        return Response(status_code=200)

    async def redirect(_: Request) -> Response:
        return Response(status_code=302, headers={"Location": DESTINATION})

    routes = [
        Route("/webhooks/ses", verify, methods=["POST"]),
        Route("/c/{token}/{number}", redirect),
    ]
    return Starlette(routes=routes, lifespan=live)


@contextmanager
def run_bare(environment: Mapping[str, str]) -> Iterator[int]:
    """Run the baseline in a process of its own, served as the API is; give its port."""
    port = find_free_port()
    command = [sys.executable, "-m", "uvicorn", "benchmarks.bare:create_bare_app", "--factory"]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    with subprocess.Popen(command, env=dict(environment)) as process:  # our own
        try:
            _wait_until_answering(port)
            yield port
        finally:
            process.terminate()


def _wait_until_answering(port: int) -> None:
    for _ in range(200):
        try:
            httpx.get(f"http://127.0.0.1:{port}/c/token/1", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("the baseline does not answer")
