"""An AWS account that is nobody's: SNS, SQS and STS by moto, SES by the simulator, and no other host."""

import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from moto.server import ThreadedMotoServer
from moto.sns.responses import SNSResponse

from app.core.config import Settings
from app.core.db import Database
from app.mail.setup.clients import Aws, open_aws
from app.mail.setup.complete import complete_account, plan_account
from app.mail.setup.wanted import Wanted
from app.simulator.client import SimulatorClient

PUBLIC = "https://mail.school.example"


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Where moto answers; it keeps SignatureVersion, and is taught here to tell it as SNS does."""
    tell = SNSResponse.get_topic_attributes

    def tell_signature(self: SNSResponse) -> Any:
        answer: Any = tell(self)
        topic = self.backend.get_topic(self._get_param("TopicArn"))
        answer.result["Attributes"]["SignatureVersion"] = getattr(topic, "signature_version", "1")
        return answer

    patch = pytest.MonkeyPatch()
    patch.setattr(SNSResponse, "get_topic_attributes", tell_signature)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()
    patch.undo()


@pytest.fixture
def account(
    moto_url: str, simulator_url: str, simulator: SimulatorClient, monkeypatch: pytest.MonkeyPatch
) -> pytest.MonkeyPatch:
    """An empty account, and the variables that lead to it."""
    httpx.post(f"{moto_url}/moto-api/reset", trust_env=False).raise_for_status()
    for service in ("SNS", "SQS", "STS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", moto_url)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", simulator_url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    return monkeypatch


@pytest.fixture
async def aws(account: pytest.MonkeyPatch) -> AsyncIterator[Aws]:
    """Clients for it."""
    async with open_aws() as aws:
        yield aws


@pytest.fixture
async def wanted(aws: Aws) -> Wanted:
    """What a deployment wants of it."""
    return await plan_account(
        aws, configuration_set="campaigns", topic="campaigns-events", webhook=f"{PUBLIC}/webhooks/ses"
    )


@pytest.fixture
async def complete(aws: Aws, wanted: Wanted) -> Wanted:
    """Have it hold all that is wanted."""
    async for _ in complete_account(aws, wanted, dry_run=False):
        pass
    return wanted


@pytest.fixture
def deployed(settings: Settings, wanted: Wanted, empty_database: Database) -> Settings:
    """The settings of a deployment that uses it."""
    return settings.model_copy(update={"public_url": PUBLIC, "sns_topic_arns": (wanted.topic_arn,)})
