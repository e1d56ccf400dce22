"""One deployment for all faults; each test puts back what it took away."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from app.demo.stack import Stack
from app.simulator.client import SimulatorClient
from tests.faults.history import record_history
from tests.flow.deployment import NOBODY_ACTS, Deployment, subscribe
from tests.school import SchoolClient

RATE = 600
LEASE_SECONDS = 5
RECONCILE_AFTER_SECONDS = 4
SNS = {"paused": False, "retry_max_seconds": 1.0, "duplicated": 0.1, "late": 0.1, "late_seconds": 0.5}


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The services, the simulator, the API and a worker, as processes; the unknown is settled in seconds."""
    settings = {
        "CAMPAIGNS_LEASE_SECONDS": str(LEASE_SECONDS),
        "CAMPAIGNS_RECONCILE_AFTER_SECONDS": str(RECONCILE_AFTER_SECONDS),
    }
    with Stack(durable=False, simulator_rate=RATE, settings=settings) as stack:
        asyncio.run(record_history(stack.services.database_url))
        subscribe(stack)
        yield stack


@pytest.fixture
async def deployment(stack: Stack) -> AsyncIterator[Deployment]:
    """The deployment, its world reset: mail is delivered or bounces at once, and nobody reads it."""
    async with SimulatorClient(stack.simulator_url) as world:
        await world.reset()
        await world.change_settings(behaviour=NOBODY_ACTS | {"latency_seconds": 0.1}, sns=SNS)
        yield Deployment(stack, world)


@pytest.fixture
async def school(deployment: Deployment) -> AsyncIterator[SchoolClient]:
    """A new school and its client."""
    async with deployment.school() as client:
        yield client
