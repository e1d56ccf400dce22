"""The API without limits, in this process or in one of its own: a run here asks more than any client may."""

from collections.abc import AsyncIterator

import pytest

from app.core.config import Settings
from tests.access.conftest import unlimited as unlimited  # noqa: PLC0414  # a fixture is found by its name here
from tests.api_process import serve_api

NO_LIMITS = {f"CAMPAIGNS_RATE_LIMIT_{kind}": "0" for kind in ("READ", "WRITE", "SEND", "FAILURES")}
NO_SES = {
    "AWS_ENDPOINT_URL_SESV2": "http://127.0.0.1:9",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
}
"""Where nobody listens: a test message is not sent, and says so."""


@pytest.fixture
def no_ses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process find no SES."""
    for name, value in NO_SES.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
async def api_url(settings: Settings) -> AsyncIterator[str]:
    """A process of the API, on the tests' own database."""
    async with serve_api(settings, **NO_LIMITS, **NO_SES) as url:
        yield url
