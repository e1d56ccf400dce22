"""One deployment for all tests of the flow; each has schools of its own and a world freshly reset."""

from collections.abc import AsyncIterator, Iterator

import pytest

from app.demo.stack import Stack
from app.simulator.client import SimulatorClient
from tests.flow.deployment import SWIFT, Deployment, subscribe
from tests.school import SchoolClient


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The services, the simulator, the API and a worker, as processes."""
    settings = {"CAMPAIGNS_LEASE_SECONDS": "5", "CAMPAIGNS_RECONCILE_AFTER_SECONDS": "5"}
    with Stack(durable=False, simulator_rate=500, settings=settings) as stack:
        subscribe(stack)
        yield stack


@pytest.fixture
async def deployment(stack: Stack) -> AsyncIterator[Deployment]:
    """The deployment, its world reset."""
    async with SimulatorClient(stack.simulator_url) as world:
        await world.reset()
        await world.change_settings(behaviour=SWIFT)
        yield Deployment(stack, world)


@pytest.fixture
async def school(deployment: Deployment) -> AsyncIterator[SchoolClient]:
    """A new school and its client."""
    async with deployment.school() as client:
        yield client
