"""A canary: a name, an address and tokens sent through every endpoint and many failures, and seen nowhere."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import text
from structlog.typing import EventDict

from app.core.config import Settings
from app.core.db import Database
from app.core.redis import connect_redis
from app.core.scrubbing import format_exception
from app.core.signing import Purpose, RecipientRef
from app.delivery.jobs import Delivery
from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule
from tests.access.asking import ask
from tests.access.operations import read_operations
from tests.access.world import MARK, fill, fill_path
from tests.feedback.posted import Topic, make_event, make_signer
from tests.school import SchoolClient
from tests.waiting import eventually

# In this order: what looks across schools is emptied before a school is made.
pytestmark = pytest.mark.usefixtures("empty_database", "unlimited")
ADDRESS = f"ann@{MARK}.example"
FOREIGN = ("httpx", "httpcore", "aiobotocore", "botocore", "sqlalchemy.engine", "faker", "hypothesis")
"""Libraries that say more at DEBUG than any deployment lets them; `configure_logging` keeps them quiet."""


class Watch:
    """Everything that was logged or answered with an error, as text."""

    def __init__(self, logged: list[EventDict], caplog: pytest.LogCaptureFixture) -> None:
        """Watch these."""
        self.problems: list[bytes] = []
        self._logged = logged
        self._caplog = caplog

    def read(self) -> str:
        """Return it all, exceptions as a deployment's logs have them."""
        lines = [repr(format_exception(None, "", dict(each))) for each in self._logged]
        lines += [
            record.getMessage() for record in self._caplog.records if not record.name.startswith(FOREIGN)
        ]
        return "\n".join([*lines, *(body.decode() for body in self.problems)])


@pytest.fixture
def watch(caplog: pytest.LogCaptureFixture) -> Iterator[Watch]:
    """Watch at the finest level."""
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logged:
        yield Watch(logged, caplog)


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Redis]:
    """The Redis of the product."""
    redis = connect_redis(settings.redis_url)
    yield redis
    await redis.aclose()


async def _read_redis(redis: Redis) -> str:
    """Return every key with its value, whatever its type."""
    reads: dict[bytes, Any] = {
        b"string": redis.get,
        b"hash": redis.hgetall,
        b"list": lambda key: redis.lrange(key, 0, -1),
        b"set": redis.smembers,
        b"zset": lambda key: redis.zrange(key, 0, -1, withscores=True),
        b"stream": redis.xrange,
    }
    kept = [(key, await reads[await redis.type(key)](key)) for key in await redis.keys("*")]
    return repr(kept)


async def test_nothing_of_a_person_is_where_it_must_not_be(
    app: FastAPI,
    database: Database,
    school: SchoolClient,
    public: httpx.AsyncClient,
    delivery: Delivery,
    simulator: SimulatorClient,
    certificate_directory: Path,
    redis: Redis,
    watch: Watch,
) -> None:
    ids = await fill(school, database)
    campaign = UUID(ids["campaign_id"])
    tokens = await _visit(app, public, school, campaign, watch)
    await simulator.add_faults(
        FaultRule(kind=FaultKind.BAD_REQUEST_FOR_ADDRESS, address=ADDRESS, count=1),
        FaultRule(kind=FaultKind.ENTRY_STATUS, status="FAILED", count=2),
        FaultRule(kind=FaultKind.ERROR_500, match="SendBulkEmail", count=1),
    )
    sent = (await school.send(subject=MARK, message_type="operational"))["id"]
    await delivery.sweep()
    await eventually(lambda: school.read(f"/v1/campaigns/{sent}"), lambda seen: seen["stats"]["queued"] == 0)
    topic = Topic(public, make_signer(certificate_directory))
    words = f"550 5.1.1 <{ADDRESS}>: {MARK} is not here"
    for kind in ("Delivery", "Bounce", "Complaint"):
        await topic.publish(make_event(kind, school, campaign, address=ADDRESS, diagnosticCode=words))
    await topic.post(f'{{"Message": "{words}"}}'.encode())
    await _fail(school, public, database, watch)
    await _ask_everything(app, school, ids, watch)
    secrets = {MARK, school.key, school.key[-40:], *tokens}
    said, kept = watch.read().lower(), (await _read_redis(redis)).lower()
    measured = (await public.get("/metrics")).text.lower()
    assert said.count("'event': 'request'") > 100
    assert "campaigns:" in kept
    assert "campaigns_" in measured
    assert not [
        line[-400:]
        for place in (said, kept, measured)
        for line in place.splitlines()
        for each in secrets
        if each.lower() in line
    ]


async def _visit(
    app: FastAPI, public: httpx.AsyncClient, school: SchoolClient, campaign: UUID, watch: Watch
) -> list[str]:
    """Open, click and unsubscribe, with good tokens and bad ones; return them."""
    ref = RecipientRef(school.id, campaign, 1)
    tokens = {purpose: app.state.signer.sign(purpose, ref) for purpose in Purpose}
    unsubscribe = tokens[Purpose.UNSUBSCRIBE]
    answers = [
        await public.get(f"/o/{tokens[Purpose.OPEN]}.gif"),
        await public.get(f"/c/{tokens[Purpose.CLICK]}/1"),
        await public.get(f"/c/{tokens[Purpose.OPEN]}/1"),
        await public.get(f"/u/{unsubscribe}"),
        await public.post(f"/u/{unsubscribe}", data={"List-Unsubscribe": "One-Click"}),
        await public.post(f"/u/{unsubscribe}", data={"action": MARK}),
        await public.post(f"/u/{unsubscribe}", content=b"x"),
        await public.get(f"/nowhere/{unsubscribe}/{ADDRESS}"),
        await public.get("/v1/school", headers={"Authorization": f"Bearer {unsubscribe}"}),
    ]
    watch.problems += [answer.content for answer in answers if answer.status_code >= 400]
    return list(tokens.values())


async def _fail(school: SchoolClient, public: httpx.AsyncClient, database: Database, watch: Watch) -> None:
    """Send what is wrong, in ways that the product, PostgreSQL and the wire each notice."""
    user = {"external_id": "u9", "email": ADDRESS, "first_name": MARK}
    json = {"Content-Type": "application/json"}
    answers = [
        await school.http.put("/v1/directory/users", json={"items": [user | {"email": f"{MARK}@@x"}]}),
        await school.http.put("/v1/directory/users", json={"items": [user | {"status": MARK}]}),
        await school.http.put("/v1/directory/users", json={"items": [user, user]}),
        await school.http.put(
            "/v1/directory/memberships", json={"items": [{"external_id": "m9", "user": MARK, "group": MARK}]}
        ),
        await school.http.put("/v1/directory/users", content=f'{{"items": "{ADDRESS}'.encode(), headers=json),
        await school.http.delete("/v1/directory/users/{MARK}"),
        await school.http.delete("/v1/directory/courses/c1"),
        await school.http.post("/v1/suppressions", json={"items": [{"address": f"{MARK}@@x"}]}),
        await school.http.post("/v1/messages/test", json={"subject": MARK, "to": [f"{MARK}@@x"]}),
        await school.http.get("/v1/campaigns", params={"q": MARK, "cursor": MARK}),
        await public.post("/webhooks/ses", content=f'{{"Message": "{ADDRESS}"}}'.encode()),
    ]
    assert [answer.status_code for answer in answers if answer.is_success] == []
    async with database.connection() as connection:
        end = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'campaigns-api'"
        )
        await connection.execute(text(end))
    lost = [await school.http.put("/v1/directory/users", json={"items": [user]}) for _ in range(6)]
    assert {answer.status_code for answer in lost} == {200, 503}
    watch.problems += [answer.content for answer in [*answers, *lost] if answer.status_code >= 400]


async def _ask_everything(app: FastAPI, school: SchoolClient, ids: dict[str, str], watch: Watch) -> None:
    for operation in read_operations(app.openapi()):
        if operation.scopes is not None:
            answer = await ask(
                app,
                operation.method,
                fill_path(operation, ids),
                query=operation.query,
                credential=f"Bearer {school.key}",
                body=operation.body,
                media_type=operation.media_type,
            )
            assert answer.status < 500, (operation.name, answer)
            if answer.status >= 400:
                watch.problems.append(answer.body)
