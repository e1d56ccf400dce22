"""How every answer looks: problem details for each kind of failure, a request id, and logs without people."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from structlog.typing import EventDict

from app.core.config import Settings
from app.core.context import BODY_LIMIT
from app.core.http import PROBLEM_TYPE
from app.core.ids import new_id
from app.core.signing import Purpose, RecipientRef
from app.main import create_app
from tests.school import MESSAGE, SchoolClient


def read_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Assert that the answer is problem details of this status; return them."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM_TYPE
    problem: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "errors"} <= problem.keys()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:campaigns:problem:")
    assert problem["title"]
    assert problem["detail"]
    assert UUID(answer.headers["x-request-id"]).version == 7
    return problem


async def test_a_path_that_leads_nowhere_is_404(public: httpx.AsyncClient) -> None:
    problem = read_problem(await public.get("/v2/anything"), 404)
    assert problem["type"].endswith(":not-found")


async def test_a_method_that_is_not_offered_is_405_with_those_that_are(public: httpx.AsyncClient) -> None:
    answer = await public.delete("/v1/school")
    read_problem(answer, 405)
    assert set(answer.headers["allow"].replace(" ", "").split(",")) >= {"GET"}


async def test_no_credential_is_401_with_the_scheme(public: httpx.AsyncClient) -> None:
    answer = await public.get("/v1/school")
    assert read_problem(answer, 401)["type"].endswith(":unauthenticated")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_what_is_wrong_is_422_each_with_its_pointer(school: SchoolClient) -> None:
    body = {"items": [{"external_id": "a", "email": "a@x.example", "nick/name~": 1}, {"email": 5}]}
    problem = read_problem(await school.http.put("/v1/directory/users", json=body), 422)
    pointers = {fault["pointer"] for fault in problem["errors"]}
    assert pointers == {"/items/0/nick~1name~0", "/items/1/external_id", "/items/1/email"}
    assert all(fault["detail"] for fault in problem["errors"])


@pytest.mark.parametrize("body", [b"{", b"{'a': 1}", b'{"a": 1}}', b"\xff\xfe", b'{"a": "\xff"}', b""])
async def test_what_is_no_json_is_refused_without_repeating_it(school: SchoolClient, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await school.http.post("/v1/messages", content=body, headers=headers)
    problem = read_problem(answer, 400 if body else 422)
    assert problem["type"].endswith(":malformed-request" if body else ":invalid-input")


async def test_where_it_is_no_json_is_told(school: SchoolClient) -> None:
    answer = await school.http.post(
        "/v1/messages", content='{"subject":', headers={"Content-Type": "application/json"}
    )
    assert answer.json()["errors"] == [{"pointer": "", "detail": "not JSON: Expecting value at character 11"}]


async def test_json_of_another_content_type_is_422(school: SchoolClient) -> None:
    answer = await school.http.post("/v1/messages", content=b"a=b", headers={"Content-Type": "text/csv"})
    read_problem(answer, 422)


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    """A body of unknown length: no Content-Length is sent."""
    yield b'{"html": "'
    for _ in range(size // 65_536 + 1):
        yield b"x" * 65_536
    yield b'"}'


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/audiences/preview"])
async def test_a_body_over_the_limit_is_413(school: SchoolClient, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    whole = b'{"html": "' + b"x" * BODY_LIMIT + b'"}'
    problem = read_problem(await school.http.post(path, content=whole, headers=headers), 413)
    assert problem["type"].endswith(":too-large")
    read_problem(await school.http.post(path, content=in_pieces(BODY_LIMIT), headers=headers), 413)


async def test_a_body_just_within_the_limit_is_read(school: SchoolClient) -> None:
    body = b'{"html": "' + b"x" * (BODY_LIMIT - 12) + b'"}'
    assert len(body) == BODY_LIMIT
    headers = {"Content-Type": "application/json"}
    read_problem(await school.http.post("/v1/messages", content=body, headers=headers), 422)


async def test_the_webhook_has_a_limit_of_its_own(public: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "text/plain"}
    read_problem(await public.post("/webhooks/ses", content=in_pieces(256 * 1024), headers=headers), 413)
    read_problem(await public.post("/webhooks/ses", content=b"x" * (256 * 1024 + 1), headers=headers), 413)


@pytest.fixture(scope="module")
def failing_app(settings: Settings) -> FastAPI:
    """The API with routes that fail in ways nobody expected."""
    app = create_app(settings)

    @app.get("/fail/{how}")
    async def fail(how: str) -> None:
        raise {"oddly": ZeroDivisionError("at person@x.example"), "away": ConnectionRefusedError()}[how]

    @app.get("/ask")
    async def ask(query: str) -> None:
        async with app.state.database.connection() as connection:
            await connection.execute(text(query))

    @app.get("/halfway")
    async def halfway() -> StreamingResponse:
        async def stream() -> AsyncIterator[bytes]:
            yield b"so far so good"
            raise ZeroDivisionError

        return StreamingResponse(stream())

    return app


@pytest.fixture
async def failing(failing_app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Its client."""
    async with LifespanManager(failing_app):
        transport = httpx.ASGITransport(failing_app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://campaigns.test") as client:
            yield client


async def test_what_nobody_expected_is_500_and_tells_nothing(failing: httpx.AsyncClient) -> None:
    answer = await failing.get("/fail/oddly")
    problem = read_problem(answer, 500)
    assert problem["type"].endswith(":internal-error")
    for word in ("ZeroDivision", "Traceback", "person", ".py"):
        assert word not in answer.text


async def test_a_service_that_is_away_is_503_with_a_time_to_come_back(failing: httpx.AsyncClient) -> None:
    answer = await failing.get("/fail/away")
    assert read_problem(answer, 503)["type"].endswith(":unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", 503),
        ("INSERT INTO configuration_sets VALUES ('twice', now()), ('twice', now())", 409),
        ("SELECT secret FROM nowhere", 500),
    ],
)
async def test_what_postgresql_refuses_is_told_without_its_words(
    failing: httpx.AsyncClient, query: str, status: int
) -> None:
    answer = await failing.get("/ask", params={"query": query})
    read_problem(answer, status)
    for word in ("twice", "secret", "nowhere", "SELECT", "configuration_sets"):
        assert word not in answer.text
    read_problem(await failing.get("/ask", params={"query": "SELECT 1 FROM x"}), 500)  # it goes on


async def test_an_answer_that_has_begun_is_not_followed_by_another(failing: httpx.AsyncClient) -> None:
    answer = await failing.get("/halfway")
    assert (answer.status_code, answer.text) == (200, "so far so good")


async def test_every_answer_has_a_request_id_of_its_own(public: httpx.AsyncClient) -> None:
    answers = [await public.get("/healthz") for _ in range(2)]
    ids = {UUID(answer.headers["x-request-id"]) for answer in answers}
    assert len(ids) == 2


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """What was logged, with its context."""
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as entries:
        yield entries


async def test_the_access_line_names_the_route_and_the_request(
    school: SchoolClient, logged: list[EventDict]
) -> None:
    answer = await school.http.get(f"/v1/campaigns/{new_id()}")
    line = next(each for each in logged if each["event"] == "request")
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/campaigns/{campaign_id}", 404)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["school_id"] == str(school.id)


async def test_no_log_names_a_token_a_name_or_an_address(
    school: SchoolClient,
    failing: httpx.AsyncClient,
    public: httpx.AsyncClient,
    app: FastAPI,
    logged: list[EventDict],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    await school.push(
        "users", {"external_id": "a", "email": "secret.person@x.example", "first_name": "Zenobia"}
    )
    campaign = await school.send()
    ref = RecipientRef(school.id, UUID(campaign["id"]), 1)
    tokens = {purpose: app.state.signer.sign(purpose, ref) for purpose in Purpose}
    await public.get(f"/o/{tokens[Purpose.OPEN]}.gif")
    await public.get(f"/c/{tokens[Purpose.CLICK]}/1")
    await public.get(f"/u/{tokens[Purpose.UNSUBSCRIBE]}")
    await public.post(f"/u/{tokens[Purpose.UNSUBSCRIBE]}", data={"List-Unsubscribe": "One-Click"})
    await public.get(f"/nowhere/{tokens[Purpose.OPEN]}")
    bad = {"items": [{"external_id": "a", "email": "secret.person@@x.example", "first_name": "Zenobia"}]}
    await school.http.put("/v1/directory/users", json=bad)
    await school.http.post("/v1/messages", json=MESSAGE | {"html": "<p>secret.person {{ oops }}"})
    assert [each["event"] for each in logged].count("request") >= 7
    records = [
        record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "httpcore"))
    ]
    said = "\n".join([*map(repr, logged), *records])
    for secret in (*tokens.values(), "secret.person", "Zenobia", school.key):
        assert secret not in said
