"""A new version rolled out: APIs and workers restarted in turn, a migration between, while mail goes out."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy.exc import DBAPIError

from app.core.config import Settings
from app.core.db import Database, run_sql
from app.core.diagnosis import Verdict
from app.demo.stack import Process, Stack, find_free_port
from app.operations.doctor.counters import examine_counters
from tests.flow.deployment import Deployment, run_blocking
from tests.school import MESSAGE, SchoolClient

pytestmark = [pytest.mark.soak, pytest.mark.timeout(600)]

MANY = 6_000
"""Ten seconds of sending at the rate of the faults' account."""
WIDENING = (
    "ALTER TABLE recipients ADD COLUMN of_the_next_version text",
    "ALTER TABLE campaigns ADD COLUMN of_the_next_version int NOT NULL DEFAULT 0",
)
NARROWING = (
    "ALTER TABLE recipients DROP COLUMN of_the_next_version",
    "ALTER TABLE campaigns DROP COLUMN of_the_next_version",
)


@dataclass(slots=True)
class Balancer:
    """Stands before the APIs: a request goes to the next, and to the other where a connection breaks."""

    urls: list[str]
    key: str
    answered: int = 0
    retried: int = 0
    failures: list[str] = field(default_factory=list)

    async def ask(self, client: httpx.AsyncClient, method: str, path: str, **more: Any) -> httpx.Response:
        """Make a request that may be repeated."""
        for url in itertools.cycle(self.urls):
            try:
                answer = await client.request(method, url + path, **more)
            except httpx.TransportError:
                self.retried += 1
                await asyncio.sleep(0.02)
                continue
            self.answered += 1
            if answer.is_error:
                self.failures.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
            self.urls.reverse()
            return answer
        raise AssertionError("there is no API")


@asynccontextmanager
async def load(balancer: Balancer) -> AsyncIterator[None]:
    """Read and write through the balancer all the while."""

    async def go_on(number: int) -> None:
        headers = {"Authorization": f"Bearer {balancer.key}"}
        async with httpx.AsyncClient(headers=headers, timeout=30, trust_env=False) as client:
            for turn in itertools.count():
                name = f"new{number}-{turn}"
                user = {"external_id": name, "email": f"{name}@x.example", "status": "inactive"}
                await balancer.ask(client, "PUT", "/v1/directory/users", json={"items": [user]})
                await balancer.ask(client, "GET", "/v1/campaigns")

    tasks = [asyncio.create_task(go_on(number)) for number in range(2)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(each, asyncio.CancelledError) for each in ended), ended


async def restart_api(stack: Stack, process: Process, port: int) -> Process:
    """Stop an API as a rollout does, and start it anew where it was."""
    await run_blocking(process.stop)
    assert process.popen.returncode in {0, -signal.SIGTERM}  # uvicorn ends by the signal it was given
    started: Process = await run_blocking(start_api, stack, port)
    return started


def start_api(stack: Stack, port: int) -> Process:
    process = stack._spawn("api", "--port", str(port))
    stack._wait_until_answering(process, f"http://127.0.0.1:{port}/readyz")
    return process


async def restart_worker(stack: Stack, process: Process) -> Process:
    """Stop a worker and start another."""
    await run_blocking(process.stop)
    assert process.popen.returncode == 0
    return stack.start_worker()


async def migrate(database: Database, statements: tuple[str, ...]) -> None:
    """Change one busy table a transaction, again where it was in somebody's way, as whoever migrates does."""
    for statement in statements:
        while True:
            try:
                async with database.connection() as connection:
                    await run_sql(connection, "SET LOCAL lock_timeout = '1s'")
                    await run_sql(connection, statement)
                break
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in {"55P03", "40P01"}:
                    raise


async def test_a_rollout_loses_nothing_and_repeats_nothing(
    deployment: Deployment, school: SchoolClient, stack: Stack
) -> None:
    await school.push_users(MANY, marketing="subscribed")
    port = find_free_port()
    apis = [next(each for each in stack.processes if each.name == "api")]
    workers = [next(each for each in stack.processes if each.name == "worker"), stack.start_worker()]
    apis.append(await run_blocking(start_api, stack, port))
    balancer = Balancer([stack.api_url, f"http://127.0.0.1:{port}"], school.key)
    headers = {"Authorization": f"Bearer {school.key}", "Idempotency-Key": str(uuid4())}
    database = Database(_settings(stack))
    async with load(balancer), httpx.AsyncClient(headers=headers, timeout=30, trust_env=False) as client:
        campaign = (await balancer.ask(client, "POST", "/v1/messages", json=MESSAGE)).json()
        await deployment.wait(school, campaign["id"], sent=500)
        await migrate(database, WIDENING)
        workers = [await restart_worker(stack, each) for each in workers]
        seen = await school.read(f"/v1/campaigns/{campaign['id']}")
        assert seen["stats"]["sent"] < MANY, "the mail was out before the rollout was"
        apis = [
            await restart_api(stack, each, at) for each, at in zip(apis, (stack.api_port, port), strict=True)
        ]
        await migrate(database, NARROWING)
    settled = await deployment.rest(school, campaign["id"], seconds=300)
    assert balancer.failures == []
    assert balancer.answered > 200
    await deployment.check(settled, recipients=MANY)
    assert settled["stats"]["unknown"] == 0
    (found,) = await examine_counters(database, repair=False, on_progress=lambda done, total: None)
    assert found.verdict is Verdict.OK, found
    await database.close()
    for process in (workers[1], apis[1]):
        await run_blocking(process.stop)


def _settings(stack: Stack) -> Settings:
    environment = stack.environment
    return Settings(
        database_url=environment["CAMPAIGNS_DATABASE_URL"],
        redis_url=environment["CAMPAIGNS_REDIS_URL"],
        public_url=stack.api_url,
        secret_keys=(environment["CAMPAIGNS_SECRET_KEYS"],),
    )
