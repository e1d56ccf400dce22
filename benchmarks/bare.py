"""The baselines of tracking and feedback: routes that do what no product can do without, and keep nothing.

`POST /webhooks/ses` verifies the signature and discards the event; `GET /c/{token}/{number}` redirects.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.core.config import load_settings
from app.demo.stack import Stack
from app.mail.envelopes import parse_envelope
from app.mail.sns import SnsVerifier
from benchmarks.serving import run_server

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
def run_bare(stack: Stack, processes: int = 1) -> Iterator[int]:
    """Run the baseline in processes of its own, served as the API is; give its port."""
    arguments = ["uvicorn", "benchmarks.bare:create_bare_app", "--factory", "--workers", str(processes)]
    arguments += ["--no-access-log", "--log-level", "warning"]
    with run_server(arguments, stack.environment, stack.directory / "bare.log") as server:
        yield server.port
