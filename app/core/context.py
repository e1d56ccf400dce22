"""What stands around every request: its id, its access line, a limit of its body, headers of the answer."""

import logging
import time
from collections.abc import Collection, Mapping, Sequence

import structlog
from starlette.exceptions import HTTPException as StarletteHTTPException  # noqa: TID251  # the router's own
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import AppError, TooLarge
from app.core.http import answer_problem
from app.core.ids import new_id_text

BODY_LIMIT = 4 * 1024 * 1024
log = structlog.get_logger("http")
_ADDED = "campaigns.headers"
SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
"""On every answer that has none of its own."""
TRANSPORT_SECURITY = {"Strict-Transport-Security": "max-age=31536000"}
"""RFC 6797: for a deployment whose public address is https."""


def name_route(scope: Scope) -> str:
    """Return the template of the route that serves a request, such as `/v1/campaigns/{campaign_id}`.

    A router within a router leaves its own part of it in `scope["route"]`, and FastAPI the whole beside it.
    """
    whole = scope.get("fastapi", {}).get("effective_route_context")
    return str(getattr(whole or scope.get("route"), "path", "unknown"))


def add_headers(request: Request, headers: Mapping[str, str]) -> None:
    """Add headers to whatever the request is answered with, problems included."""
    request.scope[_ADDED] += _encode(headers)


class RequestContext:
    """Outermost ASGI layer: a request id on every log line and answer, one access line, a body limit.

    The access line names the route's template, never the path: a path may hold a recipient's token. What
    nobody handled is logged here, and answered where nobody did.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        body_limit: int = BODY_LIMIT,
        exempt: Collection[str] = (),
        headers: Mapping[str, str] = SECURITY_HEADERS,
    ) -> None:
        """Limit every body but those of the `exempt` paths, whose routes have limits of their own.

        `headers` are added to every answer that does not have them.
        """
        self._headers = _encode(headers)
        self._app = app
        self._body_limit = body_limit
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_id_text()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=request_id)
        started, status, is_complete = time.perf_counter(), 0, False
        added = scope[_ADDED] = [*self._headers, (b"x-request-id", request_id.encode())]

        async def send_with_id(message: Message) -> None:
            nonlocal status, is_complete
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _complete(message["headers"], added)
            else:
                is_complete = not message.get("more_body", False)
            await send(message)

        try:
            if scope["path"] not in self._exempt:
                receive = _limited(receive, self._body_limit)
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("unexpected error")
            if status and not is_complete:  # the connection must not look well ended
                raise
            if not status:
                await answer_problem(AppError())(scope, receive, send_with_id)
        if log.is_enabled_for(logging.DEBUG):
            log.debug(
                "request",
                method=scope["method"],
                route=name_route(scope),
                status=status,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
            )


def _encode(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Return headers as ASGI has them: bytes, the names in lower case."""
    return [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]


def _complete(
    headers: Collection[tuple[bytes, bytes]], added: Sequence[tuple[bytes, bytes]]
) -> list[tuple[bytes, bytes]]:
    """Return the headers with those added that are not there."""
    own = dict(headers)
    return [*headers, *(each for each in added if each[0] not in own)]


def _limited(receive: Receive, most: int) -> Receive:
    seen = 0

    async def receive_limited() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            # FastAPI lets only its own kind of exception through while it reads a body.
            raise StarletteHTTPException(TooLarge.status, f"The body is larger than {most} bytes.")
        return message

    return receive_limited
