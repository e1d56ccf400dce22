"""How HTTP looks everywhere: problem details (RFC 9457) for each kind of failure."""

from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException as StarletteHTTPException  # noqa: TID251  # the router's own
from starlette.requests import ClientDisconnect
from starlette.routing import Match

from app.core.db import is_disconnect
from app.core.errors import (
    AppError,
    BodyCutShort,
    Conflict,
    Fault,
    InvalidInput,
    MalformedRequest,
    NotFound,
    TooLarge,
    Unavailable,
)
from app.core.openapi import PROBLEM_TYPE as PROBLEM_TYPE  # noqa: PLC0414  # callers take it from here
from app.core.openapi import complete_document, describe_problem

log = structlog.get_logger("http")


class FaultView(BaseModel):
    """One thing wrong with the input."""

    pointer: str = Field(description="Where: an RFC 6901 JSON pointer into the body, or to the parameter.")
    detail: str = Field(description="What is wrong, in a sentence.")


class Problem(BaseModel):
    """RFC 9457 problem details; some kinds have members of their own beside these."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="A URI that names the kind: what a program looks at.")
    title: str = Field(description="The kind, for people.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What happened this time, in a sentence.")
    errors: list[FaultView] = Field(description="Each fault of the input; empty where it is not at fault.")


def describe_problems(*kinds: type[AppError]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI `responses` of a route that may answer with these kinds of error."""
    return {kind.status: {"model": Problem} | describe_problem(kind) for kind in kinds}


def show_answer(status: int = 200, /, **fields: JsonValue) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI `responses` of a route whose example differs from its model's in these fields."""
    # As text: FastAPI would leave out what is null.
    return {status: {"content": {"application/json": {"example": orjson.dumps(fields).decode()}}}}


def show_text(media_type: str, example: str, description: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI `responses` of a route that answers text: a file, or a page."""
    content = {media_type: {"schema": {"type": "string"}, "example": example}}
    return {200: {"description": description, "content": content}}


def answer_problem(error: AppError) -> Response:
    """Answer an error as problem details."""
    body: dict[str, Any] = {
        "type": f"urn:campaigns:problem:{error.type}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "errors": [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.errors],
        **error.members,
    }
    return Response(
        orjson.dumps(body), status_code=error.status, media_type=PROBLEM_TYPE, headers=error.headers
    )


def add_error_handlers(app: FastAPI) -> None:
    """Turn every exception into a problem; none shows a stack trace or the input's values."""
    complete_openapi(app)

    @app.exception_handler(AppError)
    async def _app_error(_: Request, error: AppError) -> Response:
        return answer_problem(error)

    @app.exception_handler(RequestValidationError)
    async def _invalid(_: Request, error: RequestValidationError) -> Response:
        faults = [_explain(fault) for fault in error.errors()]
        # What is no JSON at all cannot be read, which is another thing than saying something wrong.
        unreadable = any(fault["type"] == "json_invalid" for fault in error.errors())
        return answer_problem(MalformedRequest(errors=faults) if unreadable else InvalidInput(errors=faults))

    @app.exception_handler(StarletteHTTPException)
    async def _routing(request: Request, error: StarletteHTTPException) -> Response:
        if error.status_code == 405:
            error.headers = {"Allow": ", ".join(_list_methods(request))}
        return answer_problem(_translate_http_exception(request.method, error))

    @app.exception_handler(DBAPIError)
    @app.exception_handler(PoolTimeoutError)
    async def _database(_: Request, error: SQLAlchemyError) -> Response:
        return answer_problem(_translate_database_error(error))

    @app.exception_handler(Exception)
    async def _unexpected(_: Request, __: Exception) -> Response:
        return answer_problem(AppError())  # logged further out, where it is raised again

    @app.exception_handler(OSError)
    @app.exception_handler(TimeoutError)
    async def _away(_: Request, error: Exception) -> Response:
        log.warning("a service is away", error=type(error).__name__)
        return answer_problem(Unavailable(headers={"Retry-After": "2"}))


def _list_methods(request: Request) -> list[str]:
    """Return every method that some route at this path takes (RFC 9110 section 15.5.6).

    The router names those of the first route alone.
    """
    return [
        method
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.router.routes
        )
    ]


def _translate_http_exception(method: str, error: StarletteHTTPException) -> AppError:
    if error.status_code == NotFound.status:
        return NotFound("There is nothing at this path.")
    if error.status_code == TooLarge.status:
        return TooLarge(error.detail)
    if error.status_code == MalformedRequest.status:
        return MalformedRequest()
    kind: type[AppError] = type(
        "Routing", (AppError,), {"status": error.status_code, "type": "http", "title": error.detail}
    )
    return kind(f"{method} is answered with: {error.detail}.", headers=dict(error.headers or {}))


def _translate_database_error(error: SQLAlchemyError) -> AppError:
    cause = getattr(error, "orig", error)  # that no connection was free in time has none
    if is_disconnect(error):
        log.warning("the database is away", error=type(cause).__name__)
        return Unavailable("The database is away; try again shortly.", headers={"Retry-After": "2"})
    state = getattr(cause, "sqlstate", "") or ""
    if state.startswith("23"):
        return Conflict("Another request changed the same records at the same time; try again.")
    log.error("database error", sqlstate=state, error=type(cause).__name__)
    return AppError()


def _explain(fault: Any) -> Fault:  # pydantic's error dictionaries are untyped
    if fault["type"] == "json_invalid":
        reason = str(fault["ctx"]["error"]).removesuffix(" at")
        return Fault("", f"not JSON: {reason} at character {fault['loc'][-1]}")
    location = [str(part) for part in fault["loc"]]
    if location and location[0] in {"body", "query", "path", "header"}:
        location = location[1:]
    escaped = (part.replace("~", "~0").replace("/", "~1") for part in location)
    message = str(fault["msg"]).removeprefix("Value error, ")
    return Fault("/" + "/".join(escaped) if location else "", message[:1].lower() + message[1:])


def complete_openapi(app: FastAPI) -> None:
    """Let the application's OpenAPI document say what is true of every operation; made once."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            complete_document(generate())
        return generate()

    app.__dict__["openapi"] = openapi


class LeanResponse(Response):
    """A small answer whose headers are written as they travel: nothing is encoded, none is added."""

    def __init__(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes = b"") -> None:
        """Take the headers as ASGI has them: names in lower case, `content-length` among them."""
        self.status_code = status
        self.raw_headers = headers
        self.body = body
        self.background = None


class LeanRoute(APIRoute):
    """A route of many small requests: in the document like any other, served without FastAPI's dependencies.

    Its function takes the request and the path's parameters, all text, and answers a Response.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Call the function as it is."""
        answer = self.endpoint

        async def handle(request: Request) -> Response:
            response: Response = await answer(request, **request.path_params)
            return response

        return handle


async def stream_body(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it arrives; BodyCutShort when the client leaves before its end."""
    try:
        async for piece in request.stream():
            yield piece
    except ClientDisconnect:
        raise BodyCutShort from None
