"""A simulator on a free port for each test, a real SES client for it, and a small product that listens."""

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aioboto3
import pytest
import uvicorn
from botocore.config import Config

from app.simulator.client import SimulatorClient
from app.simulator.server import bind, create_server
from app.simulator.settings import Behaviour, Delivery, Sending, SimulatorSettings
from tests.simulator.product import Product

StartSimulator = Callable[..., str]

QUIET = Behaviour(enabled=False)


@pytest.fixture
def anyio_backend() -> str:
    """Run async tests on asyncio, as the product does."""
    return "asyncio"


@contextmanager
def serving(server: uvicorn.Server, settings: SimulatorSettings) -> Iterator[str]:
    """Serve in a thread while the block runs; yield the base URL."""
    listener = bind(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def certificate_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One signing key for the whole run: making one takes longer than most tests."""
    return tmp_path_factory.mktemp("certificate")


@pytest.fixture
def settings(certificate_dir: Path) -> SimulatorSettings:
    """A quick simulator whose world sleeps."""
    return SimulatorSettings(
        certificate_dir=certificate_dir,
        port=0,
        sending=Sending(max_send_rate=100_000),
        behaviour=QUIET,
        sns=Delivery(retry_min_seconds=0.02, retry_max_seconds=0.05),
    )


@pytest.fixture
def start_simulator(settings: SimulatorSettings) -> Iterator[StartSimulator]:
    """Start simulators with some settings changed; each answers before its URL is returned."""
    with ExitStack() as stack:

        def start(**changes: Any) -> str:
            changed = replace(settings, **changes)
            return stack.enter_context(serving(create_server(changed), changed))

        yield start


@pytest.fixture
def simulator_url(start_simulator: StartSimulator) -> str:
    """The URL of one simulator as `settings` has it."""
    return start_simulator()


@pytest.fixture
async def simulator(simulator_url: str) -> AsyncIterator[SimulatorClient]:
    """The control client of that simulator."""
    async with SimulatorClient(simulator_url) as client:
        yield client


@pytest.fixture
async def ses(simulator_url: str) -> AsyncIterator[Any]:
    """A real SES v2 client, retries off, pointed at that simulator."""
    async with open_ses(simulator_url) as client:
        yield client


def open_ses(url: str, **options: Any) -> Any:
    """Return an SES v2 client as an async context manager."""
    config = Config(retries={"total_max_attempts": 1}, **options)
    return aioboto3.Session().client(
        "sesv2",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=config,
    )


@pytest.fixture
def product(certificate_dir: Path, simulator_url: str) -> Iterator[Product]:
    """A small product that confirms, counts and answers."""
    listening = Product(simulator_url)
    config = uvicorn.Config(listening.app, log_level="warning", lifespan="off")
    with serving(uvicorn.Server(config), SimulatorSettings(certificate_dir=certificate_dir, port=0)) as url:
        listening.url = url
        yield listening
