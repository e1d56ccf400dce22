"""A short way to the routes that are asked by the thousand: one look-up, no path after path compared."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.http import LeanRoute

Layer = Callable[[ASGIApp], ASGIApp]
Endpoint = Callable[..., Awaitable[Response]]


class LayeredAPI(FastAPI):
    """FastAPI with layers around all of it, those of its own that every request goes through included."""

    def __init__(self, **options: Any) -> None:
        """Begin without any layer around."""
        super().__init__(**options)
        self._outermost: ASGIApp = super().__call__

    def surround(self, layer: Layer) -> None:
        """Put a layer around all there is by now."""
        self._outermost = layer(self._outermost)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._outermost(scope, receive, send)


class FastLane:
    """Stands before an application and serves the lean routes among those it has; all else goes on to it.

    A router compares a request with one route after another, and FastAPI has layers around it. These routes
    have neither prefix nor dependencies, so what it would call in the end is called at once, and what they
    raise is answered by the application's own handlers.
    """

    def __init__(self, app: ASGIApp, *, owner: FastAPI, routers: Iterable[Router]) -> None:
        """Serve the lean routes of the `routers`, which are also part of `owner`, the innermost of `app`."""
        self._app = app
        self._owner = owner
        self._lanes: dict[tuple[str, str], list[tuple[LeanRoute, Endpoint]]] = defaultdict(list)
        for route in (route for each in routers for route in each.routes):
            if isinstance(route, LeanRoute):
                for method in route.methods or ():
                    lane = self._lanes[method, _first_part(route.path)]
                    lane.append((route, route.endpoint))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope.get("root_path"):
            path = scope["path"]
            for route, answer in self._lanes.get((scope["method"], _first_part(path)), ()):
                if match := route.path_regex.match(path):
                    scope["app"], scope["route"] = self._owner, route
                    request = Request(scope, receive, send)
                    try:
                        response = await answer(request, **match.groupdict())
                    except Exception as error:  # noqa: BLE001  # raised again where nobody answers it
                        response = await self._answer(request, error)
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)

    async def _answer(self, request: Request, error: Exception) -> Response:
        handlers = self._owner.exception_handlers
        for kind in type(error).__mro__:
            if kind is not Exception and kind in handlers:
                return await cast(Awaitable[Response], handlers[kind](request, error))
        raise error


def _first_part(path: str) -> str:
    return path[1:].partition("/")[0]
