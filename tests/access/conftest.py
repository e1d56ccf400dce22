"""The API with limits of a test's own: what is tested otherwise comes from one address, within seconds."""

import pytest
from fastapi import FastAPI

from app.core.config import Settings
from app.schools.throttle import Throttle


async def set_limits(app: FastAPI, settings: Settings, **most: int) -> None:
    """Give a started application other limits: `read`, `write`, `send`, `failures` a minute, else none."""
    await app.state.throttle.close()
    limits = {f"rate_limit_{kind}": most.get(kind, 0) for kind in ("read", "write", "send", "failures")}
    app.state.throttle = Throttle(settings.model_copy(update=limits))


@pytest.fixture
async def unlimited(app: FastAPI, settings: Settings) -> None:
    """Take the limits away."""
    await set_limits(app, settings)
