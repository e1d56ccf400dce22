"""The short way answers as the router would, and leaves to it whatever it does not serve itself."""

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from app.core.http import LeanRoute
from app.core.lane import FastLane, LayeredAPI


class Known(LookupError):
    """What the application has an answer for."""


lean = APIRouter(route_class=LeanRoute)
usual = APIRouter()


@lean.get("/c/{token}/{number}")
async def follow(request: Request, token: str, number: str) -> Response:
    return PlainTextResponse(f"{request.scope['route'].path} {token} {number}")


@lean.post("/c/{token}/{number}")
async def post(_: Request, token: str, number: str) -> Response:
    return PlainTextResponse(f"posted {token} {number}")


@lean.get("/f/{kind}")
async def fail(_: Request, kind: str) -> Response:
    raise Known(kind) if kind == "known" else ZeroDivisionError


@usual.get("/c/{word}")
async def read_word(word: str) -> str:
    return word


@pytest.fixture(params=[True, False], ids=["lane", "router"])
def client(request: pytest.FixtureRequest) -> httpx.AsyncClient:
    app = LayeredAPI()

    @app.exception_handler(LookupError)
    async def _known(_: Request, error: LookupError) -> Response:
        return PlainTextResponse(repr(error), status_code=409)

    app.include_router(lean)
    app.include_router(usual)
    if request.param:
        app.surround(lambda inner: FastLane(inner, owner=app, routers=[lean]))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://campaigns.test")


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/c/abc/1", 200, "/c/{token}/{number} abc 1"),
        ("GET", "/c/a%20c/%C3%A9?x=1", 200, "/c/{token}/{number} a c é"),
        ("POST", "/c/abc/1", 200, "posted abc 1"),
        ("GET", "/c/abc", 200, '"abc"'),
        ("DELETE", "/c/abc/1", 405, '{"detail":"Method Not Allowed"}'),
        ("GET", "/c/abc/1/2", 404, '{"detail":"Not Found"}'),
        ("GET", "/c//1", 404, '{"detail":"Not Found"}'),
        ("GET", "/f/known", 409, "Known('known')"),
        ("GET", "/", 404, '{"detail":"Not Found"}'),
    ],
)
async def test_answers_are_the_routers(
    client: httpx.AsyncClient, method: str, path: str, status: int, body: str
) -> None:
    answer = await client.request(method, path)
    assert (answer.status_code, answer.text) == (status, body)


async def test_what_nobody_answers_is_raised(client: httpx.AsyncClient) -> None:
    """The layer further out logs it, and answers."""
    with pytest.raises(ZeroDivisionError):
        await client.get("/f/other")
