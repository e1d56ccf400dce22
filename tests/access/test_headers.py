"""What stands around every answer: security headers, cross-origin rules, limits of size and depth."""

from collections.abc import AsyncIterator

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI

from app.core.config import Settings
from app.core.db import Database
from app.core.signing import Purpose, RecipientRef, Signer
from app.main import EXPOSED_HEADERS, create_app
from tests.campaigns.prepared import send_prepared
from tests.core.test_http import read_problem
from tests.school import SchoolClient

ORIGIN = "https://app.school.example"


@pytest.fixture(scope="module")
def secure_app(settings: Settings) -> FastAPI:
    """The API as a deployment has it: https, and a front end on another origin."""
    changes = {"public_url": "https://mail.school.example", "cors_origins": (ORIGIN,)}
    return create_app(settings.model_copy(update=changes))


@pytest.fixture
async def secure(secure_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with LifespanManager(secure_app):
        transport = httpx.ASGITransport(secure_app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://mail.school.example") as client:
            yield client


PATHS = ("/healthz", "/v1/school", "/nowhere", "/o/x.gif", "/c/x/1", "/u/x")


async def test_every_answer_has_security_headers(
    public: httpx.AsyncClient, secure: httpx.AsyncClient
) -> None:
    for path in PATHS:
        plain, answer = await public.get(path), await secure.get(path)
        for each in (plain, answer):
            assert each.headers["x-content-type-options"] == "nosniff", path
            assert each.headers["referrer-policy"] == "no-referrer", path
            assert each.headers.get_list("x-content-type-options") == ["nosniff"]
            assert "server" not in each.headers
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "strict-transport-security" not in (await public.get("/v1/school")).headers


async def test_a_front_end_may_ask_before_it_asks(secure: httpx.AsyncClient) -> None:
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,content-type,idempotency-key",
    }
    answer = await secure.options("/v1/school", headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers
    for headers in (asked | {"Origin": "https://evil.example"}, asked | {"Origin": "null"}):
        refused = await secure.options("/v1/school", headers=headers)
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers


async def test_a_front_end_may_read_what_it_needs(
    secure: httpx.AsyncClient, public: httpx.AsyncClient
) -> None:
    answer = await secure.get("/v1/school", headers={"Origin": ORIGIN})
    read_problem(answer, 401)
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    exposed = set(answer.headers["access-control-expose-headers"].split(", "))
    assert exposed == set(EXPOSED_HEADERS) >= {"RateLimit-Remaining", "Retry-After", "Location"}
    stranger = await secure.get("/v1/school", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in stranger.headers
    assert (
        "access-control-allow-origin"
        not in (await public.get("/v1/school", headers={"Origin": ORIGIN})).headers
    )


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
async def test_what_is_nested_without_end_is_refused(school: SchoolClient, opening: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    closing = b"]" if opening == b"[" else b"}"
    for depth in (500, 100_000):
        body = opening * depth + b"1" + closing * depth
        answer = await school.http.post("/v1/messages", content=body, headers=headers)
        assert answer.status_code in {400, 422}
        assert len(answer.content) < 10_000
    nested = b'{"audience": {"filter": ' + b'{"kind": "none_of", "filters": [' * 300
    nested += b'{"kind": "active_users"}' + b"]}" * 300 + b'}, "message_type": "marketing"}'
    answer = await school.http.post("/v1/audiences/preview", content=nested, headers=headers)
    read_problem(answer, 422)


async def test_links_already_mailed_outlive_a_rotation(
    app: FastAPI, school: SchoolClient, public: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    """What an old key has signed is honoured while it is among the keys, whichever signs now."""
    await school.push_users(1)
    ref = RecipientRef(school.id, await send_prepared(school, database), 1)
    mailed = Signer(settings.secret_keys).sign(Purpose.UNSUBSCRIBE, ref)
    new = "c8Rn3-yU0wSl5Mq9At2Xe7Zg4Ik6Od1B"
    for keys, status in (((new, *settings.secret_keys), 200), ((new,), 404)):
        app.state.signer = Signer(keys)
        assert app.state.signer.sign(Purpose.UNSUBSCRIBE, ref) != mailed
        assert (await public.get(f"/u/{mailed}")).status_code == status
