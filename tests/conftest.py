"""What every test may use: real PostgreSQL and Redis, the simulator, an API, and a school of its own.

Each test gets a new school; as every row belongs to one, tests need no cleaning up after each other. A test
that runs what looks across schools (sweeps, turns) asks for `empty_database` as well.
"""

import gc
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import cache
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest
from asgi_lifespan import LifespanManager
from botocore.loaders import create_loader
from fastapi import FastAPI
from sqlalchemy import text

from app.core.config import Settings
from app.core.db import Database
from app.core.migrations import migrate
from app.core.redis import connect_redis
from app.delivery.jobs import Delivery
from app.embedded import start_services
from app.main import create_app
from app.simulator.certificate import load_certificate
from app.simulator.client import SimulatorClient
from app.simulator.settings import SimulatorSettings
from app.worker import open_delivery
from tests.given import make_own_database
from tests.kept import Keeper
from tests.school import SchoolClient, open_school

# What loading and collecting make stays: to look through it for garbage is a fifth of the time they take.
gc.disable()

# A shell's background jobs ignore Ctrl-C, and all that they start would too.
signal.signal(signal.SIGINT, signal.default_int_handler)

TABLES = (
    "schools, configuration_sets, parked_events, recipients, recipient_outcomes, exclusions,"
    " campaign_counters, email_events"
)


def pytest_collection_finish() -> None:
    """Leave thousands of collected tests out of every later look for garbage."""
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Keep together what shares a deployment."""
    from tests.groups import make_scheduler  # noqa: PLC0415  # plain runs need no xdist

    return make_scheduler(config, log)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def services(worker_id: str) -> Iterator[tuple[str, str]]:
    """URLs of PostgreSQL (migrated) and Redis: the environment's, else embedded, one pair a process."""
    given, redis = os.environ.get("CAMPAIGNS_DATABASE_URL"), os.environ.get("CAMPAIGNS_REDIS_URL")
    if given and redis:
        database = make_own_database(given, worker_id)
        migrate(database)
        yield database, redis
        return
    started = start_services(durable=False)
    try:
        migrate(started.database_url)
        yield started.database_url, started.redis_url
    finally:
        started.stop()


@pytest.fixture(scope="session")
def certificate_directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the simulated topic's key and certificate are."""
    return tmp_path_factory.mktemp("sns")


@pytest.fixture(scope="session")
def settings(services: tuple[str, str], certificate_directory: Path) -> Settings:
    """The settings of the product under test."""
    database_url, redis_url = services
    simulator = SimulatorSettings(certificate_dir=certificate_directory)
    certificate = load_certificate(certificate_directory)
    url = f"https://sns.{simulator.region}.amazonaws.com/{certificate.file_name}"
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        public_url="http://campaigns.test",
        secret_keys=("a-key-for-tests-0123456789-abcdefgh",),
        ses_configuration_set="campaigns",
        sns_topic_arns=(simulator.topic_arn,),
        sns_pinned_certs={url: certificate.path},
        database_pool_size=5,
    )


@pytest.fixture(scope="session")
async def keeper(anyio_backend: str) -> AsyncIterator[Keeper]:
    """Keeps the pools of connections from one test to the next."""
    keeper = Keeper()
    yield keeper
    await keeper.end()


@pytest.fixture
async def database(settings: Settings, keeper: Keeper) -> AsyncIterator[Database]:
    """The database, for what goes below HTTP."""
    database = keeper.open(settings)
    yield database
    await database.close()


@pytest.fixture
async def empty_database(database: Database) -> Database:
    """The database without anything in it, for what looks across schools."""
    async with database.connection() as connection:
        await connection.execute(text(f"TRUNCATE {TABLES} CASCADE"))
    return database


@pytest.fixture(scope="session")
def built_app(settings: Settings) -> FastAPI:
    """The API, built once: FastAPI reads a route's signature when it is first called, which takes a while."""
    return create_app(settings)


@pytest.fixture
async def app(built_app: FastAPI, keeper: Keeper) -> AsyncIterator[FastAPI]:
    """The API, started: everything with a state is new but its pool of connections."""
    with patch("app.main.Database", keeper.open):
        async with LifespanManager(built_app):
            yield built_app


@pytest.fixture
async def public(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a credential, as recipients and SNS are; failures of the app are its answers."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://campaigns.test") as client:
        yield client


@pytest.fixture
async def school(app: FastAPI, database: Database) -> AsyncIterator[SchoolClient]:
    """A new school, and a client with its API key."""
    async with open_school(app, database) as client:
        yield client


@pytest.fixture
async def other_school(app: FastAPI, database: Database) -> AsyncIterator[SchoolClient]:
    """Another school, which must never see the first."""
    async with open_school(app, database, name="Hillside School") as client:
        yield client


@pytest.fixture(scope="session")
def simulator_url(certificate_directory: Path) -> Iterator[str]:
    """A running simulator with its world asleep: it accepts and keeps mail, and does nothing with it."""
    command = [sys.executable, "-m", "app.cli", "simulator", "--port", "0"]
    command += ["--certificate-dir", str(certificate_directory), "--rate", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.split(" on ")[1].split(",")[0]
        finally:
            process.terminate()


PACE = ("campaigns:pace", *(f"campaigns:pace:{part}" for part in ("held", "day", "reserved", "allowed")))


async def forget_pace(settings: Settings) -> None:
    """Forget what was sent and learned of the account before: a test's account is a new one."""
    redis = connect_redis(settings.redis_url)
    await redis.delete(*PACE)
    await redis.aclose()


@pytest.fixture
async def simulator(simulator_url: str, settings: Settings) -> AsyncIterator[SimulatorClient]:
    """The simulator's controls, freshly reset, and with them the account."""
    async with SimulatorClient(simulator_url) as client:
        await client.reset()
        await client.change_settings(behaviour={"enabled": False})
        await forget_pace(settings)
        yield client


@pytest.fixture(scope="session", autouse=True)
def service_models() -> Iterator[None]:
    """Let botocore's sessions share what they read of SES: it is most of what opening a client costs."""
    with patch("botocore.session.create_loader", cache(create_loader)):
        yield


@pytest.fixture
def aws(simulator_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point botocore at the simulator."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", simulator_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "simulator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "simulator")


@pytest.fixture
async def delivery(
    settings: Settings, keeper: Keeper, simulator: SimulatorClient, aws: None, empty_database: Database
) -> AsyncIterator[Delivery]:
    """A worker's sending, in this process, against the simulator."""
    with patch("app.worker.Database", keeper.open):
        async with open_delivery(settings) as delivery:
            yield delivery
