"""What the mail tests share: one event loop, the AWS variables, a verifier with and without a pin."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.mail.ses import SesMail
from app.mail.sns import SnsVerifier
from tests.mail.ses_server import SesServer, run_ses_server
from tests.mail.sns_signer import CERTIFICATE_URL, TOPIC, make_certificate
from tests.mail.sns_web import Web


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    return monkeypatch


@pytest.fixture
def web() -> Web:
    return Web()


@pytest.fixture
async def client(web: Web) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(web.handle), follow_redirects=True) as client:
        yield client


@pytest.fixture
async def verifier(client: httpx.AsyncClient) -> AsyncIterator[SnsVerifier]:
    """Yield a verifier that fetches the certificate."""
    verifier = SnsVerifier(frozenset({TOPIC}), {}, client)
    yield verifier
    await verifier.aclose()


@pytest.fixture
def pinned(client: httpx.AsyncClient, tmp_path: Path) -> SnsVerifier:
    """Return a verifier with the certificate pinned."""
    (tmp_path / "sns.pem").write_bytes(make_certificate())
    return SnsVerifier(frozenset({TOPIC}), {CERTIFICATE_URL: tmp_path / "sns.pem"}, client)


@pytest.fixture
async def server(aws_environment: pytest.MonkeyPatch) -> AsyncIterator[SesServer]:
    async with run_ses_server() as ses:
        aws_environment.setenv("AWS_ENDPOINT_URL_SESV2", ses.url)
        yield ses


@pytest.fixture
async def mail(server: SesServer) -> AsyncIterator[SesMail]:
    async with SesMail("our-set", connect_timeout=1, read_timeout=0.3, max_connections=4) as ses:
        yield ses
