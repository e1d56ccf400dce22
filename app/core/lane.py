"""A short way to the routes that are asked by the thousand: one look-up, no path after path compared."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.http import LeanRoute

Handler = Callable[[Request], Awaitable[Response]]


class FastLane:
    """Stands before an application and serves the lean routes among those it has; all else goes on to it.

    A router compares a request with one route after another, and FastAPI has layers around it. These routes
    have neither prefix nor dependencies, so what it would call in the end is called at once, and what they
    raise is answered by the application's own handlers.
    """

    def __init__(self, app: ASGIApp, *, routers: Iterable[Router]) -> None:
        """Serve the lean routes of the `routers`, which are also part of `app`."""
        self._app = app
        self._lanes: dict[tuple[str, str], list[tuple[LeanRoute, Handler]]] = defaultdict(list)
        for route in (route for each in routers for route in each.routes):
            if isinstance(route, LeanRoute):
                for method in route.methods or ():
                    lane = self._lanes[method, _first_part(route.path)]
                    lane.append((route, route.get_route_handler()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope.get("root_path"):
            path = scope["path"]
            for route, handle in self._lanes.get((scope["method"], _first_part(path)), ()):
                if match := route.path_regex.match(path):
                    scope["route"], scope["path_params"] = route, match.groupdict()
                    response = await _answer(handle, Request(scope, receive, send))
                    await response(scope, receive, send)
                    return
        await self._app(scope, receive, send)


async def _answer(handle: Handler, request: Request) -> Response:
    try:
        return await handle(request)
    except Exception as error:
        handlers = request.app.exception_handlers
        for kind in type(error).__mro__:
            if kind in handlers:
                response: Response = await handlers[kind](request, error)
                return response
        raise


def _first_part(path: str) -> str:
    return path[1:].partition("/")[0]
