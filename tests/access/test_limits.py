"""Rate limits: by credential and class of route, told on every answer, and none of them without Redis."""

from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import FastAPI

from app.core.config import Settings
from app.core.db import Database
from app.core.limits import Limiter, name_client
from app.core.redis import connect_redis
from app.schools.keys import create_key
from app.schools.throttle import RouteClass, Throttle, classify
from tests.access.asking import ask
from tests.access.conftest import set_limits
from tests.access.issuer import Issuer, make_claims, sign
from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient

TOLD = ("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
SECRET = "a-secret-of-the-limits-0123456789"


def _read_told(answer: httpx.Response) -> tuple[int, int, int]:
    limit, remaining, reset = (int(answer.headers[name]) for name in TOLD)
    return limit, remaining, reset


async def test_the_one_too_many_is_429_with_the_time_to_come_back(
    app: FastAPI, settings: Settings, school: SchoolClient
) -> None:
    await set_limits(app, settings, read=3)
    for remaining in (2, 1, 0):
        answer = await school.http.get("/v1/school")
        assert answer.status_code == 200
        limit, left, reset = _read_told(answer)
        assert (limit, left) == (3, remaining)
        assert 20 * (3 - remaining) - 5 <= reset <= 20 * (3 - remaining)
    refused = await school.http.get("/v1/campaigns")
    read_faults(refused, 429)
    assert _read_told(refused)[:2] == (3, 0)
    assert 15 <= int(refused.headers["retry-after"]) <= 20
    assert refused.json()["type"].endswith(":too-many-requests")


async def test_every_authenticated_answer_tells_the_allowance(
    app: FastAPI, settings: Settings, school: SchoolClient, public: httpx.AsyncClient
) -> None:
    await set_limits(app, settings, read=9, write=8, send=7)
    told = {
        404: await school.http.get(f"/v1/campaigns/{UUID(int=0)}"),
        422: await school.http.post("/v1/messages", json={"subject": 5}),
        200: await school.http.put(
            "/v1/directory/groups", json={"items": [{"external_id": "g", "name": "G"}]}
        ),
    }
    assert {status: answer.status_code for status, answer in told.items()} == {200: 200, 404: 404, 422: 422}
    assert [_read_told(told[status])[0] for status in (404, 422, 200)] == [9, 7, 8]
    for answer in (await public.get("/v1/school"), await public.get("/healthz")):
        assert not set(TOLD) & set(answer.headers)


async def test_a_limit_is_one_credentials_own(
    app: FastAPI, settings: Settings, school: SchoolClient, database: Database, public: httpx.AsyncClient
) -> None:
    await set_limits(app, settings, read=1, write=1)
    assert (await school.http.get("/v1/school")).status_code == 200
    assert (await school.http.get("/v1/school")).status_code == 429
    renamed = await school.http.patch("/v1/school", json={"name": "Renamed"})
    assert renamed.status_code == 200  # another class
    async with database.system_transaction() as session:
        _, second = await create_key(session, school_id=school.id, name="Second")
    app.state.tokens = Issuer().make_verifier()
    for credential in (second, *(sign(make_claims(school.id, sub=each)) for each in ("ann", "bo"))):
        headers = {"Authorization": f"Bearer {credential}"}
        statuses = [(await public.get("/v1/school", headers=headers)).status_code for _ in range(2)]
        assert statuses == [200, 429]


async def test_a_forged_key_uses_up_nothing_of_the_real_one(
    app: FastAPI, settings: Settings, school: SchoolClient, public: httpx.AsyncClient
) -> None:
    await set_limits(app, settings, read=2)
    forged = {"Authorization": f"Bearer {school.key[:-8]}AAAAAAAA"}
    for _ in range(4):
        assert (await public.get("/v1/school", headers=forged)).status_code in {401, 429}
    assert (await school.http.get("/v1/school")).status_code == 200


async def test_guessing_is_slowed_where_it_comes_from_and_nobody_else_is(
    app: FastAPI, settings: Settings, school: SchoolClient
) -> None:
    await set_limits(app, settings, failures=3)
    guesses = [f"Bearer ck_{number:086}" for number in range(5)]
    answers = [await ask(app, "GET", "/v1/school", credential=each, client="10.0.0.1") for each in guesses]
    assert [answer.status for answer in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["retry-after"]) > 0
    elsewhere = await ask(app, "GET", "/v1/school", credential=guesses[0], client="10.0.0.2")
    assert elsewhere.status == 401
    good = await ask(app, "GET", "/v1/school", credential=f"Bearer {school.key}", client="10.0.0.1")
    assert good.status == 200
    nothing = await ask(app, "GET", "/v1/school", client="10.0.0.1")
    assert nothing.status == 401  # who sends no credential guesses none


async def test_without_redis_everything_is_let_through_and_one_line_says_so(
    app: FastAPI, settings: Settings, school: SchoolClient
) -> None:
    await app.state.throttle.close()
    away = {"redis_url": "redis://127.0.0.1:1", "rate_limit_read": 1}
    app.state.throttle = Throttle(settings.model_copy(update=away))
    with structlog.testing.capture_logs() as logged:
        for _ in range(3):
            answer = await school.http.get("/v1/school")
            assert answer.status_code == 200
            assert not set(TOLD) & set(answer.headers)
    assert [each["event"] for each in logged if "limit" in each["event"]] == [
        "requests are not limited: Redis is away"
    ]


async def test_redis_learns_no_credential_and_no_address(
    app: FastAPI, settings: Settings, school: SchoolClient
) -> None:
    redis = connect_redis(settings.redis_url)
    before = set(await redis.keys("campaigns:limit:*"))
    await set_limits(app, settings, read=5, failures=5)
    await ask(app, "GET", "/v1/school", credential=f"Bearer {school.key}", client="192.0.2.77")
    await ask(app, "GET", "/v1/school", credential="Bearer ck_guess", client="192.0.2.77")
    new = set(await redis.keys("campaigns:limit:*")) - before
    left = [await redis.pttl(key) for key in new]
    await redis.aclose()
    keys = [key.decode() for key in new]
    assert len(keys) == 2
    assert {len(key) for key in keys} == {len("campaigns:limit:") + 32}
    assert all(0 < milliseconds <= 60_000 for milliseconds in left)
    assert not [key for key in keys if school.key[3:20] in key or "192.0.2.77" in key]


async def test_the_allowance_comes_back_evenly(settings: Settings) -> None:
    limiter = Limiter(settings.redis_url, secret=SECRET)
    first = await limiter.take("test", b"evenly", most=600)
    assert first is not None
    verdicts = [await limiter.take("test", b"evenly", most=600) for _ in range(620)]
    assert {each.is_allowed for each in verdicts if each} == {True, False}
    refused = next(each for each in verdicts if each and not each.is_allowed)
    assert (refused.remaining, refused.retry_after) == (0, 1)  # ten a second: the next one is due at once
    assert await limiter.take("test", b"evenly", most=0) is None
    await limiter.close()


def test_addresses_of_one_holder_count_as_one() -> None:
    assert (
        name_client("2001:db8:1:2::1")
        == name_client("2001:db8:1:2:ffff::9")
        != name_client("2001:db8:1:3::1")
    )
    assert name_client("::ffff:192.0.2.1") == name_client("192.0.2.1") != name_client("192.0.2.2")
    assert name_client("testclient") == b"testclient"


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("GET", "/v1/campaigns", RouteClass.READ),
        ("POST", "/v1/audiences/preview", RouteClass.READ),
        ("POST", "/v1/messages", RouteClass.SEND),
        ("POST", "/v1/messages/test", RouteClass.SEND),
        ("POST", "/v1/campaigns/{campaign_id}/retry-failed", RouteClass.SEND),
        ("POST", "/v1/campaigns/{campaign_id}/pause", RouteClass.WRITE),
        ("DELETE", "/v1/api-keys/{key_id}", RouteClass.WRITE),
    ],
)
def test_a_route_has_its_class(method: str, path: str, kind: RouteClass) -> None:
    assert classify(method, path) is kind


async def test_sending_has_a_limit_of_its_own(app: FastAPI, settings: Settings, school: SchoolClient) -> None:
    await school.push_users(1)
    await set_limits(app, settings, send=1)
    assert (await school.http.post("/v1/messages", json=MESSAGE)).status_code == 202
    read_faults(await school.http.post("/v1/messages", json=MESSAGE), 429)
    assert len((await school.read("/v1/campaigns"))["items"]) == 1
