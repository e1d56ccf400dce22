"""`campaigns aws setup` and `campaigns doctor` as a person runs them."""

import os
from collections.abc import Mapping

import pytest

from app.core.config import Settings, SettingsError
from app.core.queue import HEALTH_KEY
from app.core.redis import connect_redis
from app.mail.setup.clients import Aws
from app.operations.aws.wanted import plan_deployment
from tests.cli.commands import make_environment, read_complaint, run
from tests.operations.aws.conftest import PUBLIC

ARN = "arn:aws:sns:eu-west-1:123456789012:campaigns-events"


def read_environment(settings: Settings) -> Mapping[str, str]:
    """Return the variables of a deployment that uses the account."""
    aws = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    ours = {"CAMPAIGNS_PUBLIC_URL": PUBLIC, "CAMPAIGNS_SES_CONFIGURATION_SET": "campaigns"}
    return make_environment(settings) | aws | ours


async def test_setup_tells_each_step_and_what_to_set(account: pytest.MonkeyPatch, settings: Settings) -> None:
    environment = read_environment(settings)
    told = run("aws", "setup", "--dry-run", environment=environment)
    assert told.returncode == 0, told.stderr
    assert told.stdout.count("would be created") == 5
    assert f"CAMPAIGNS_SNS_TOPIC_ARNS={ARN}\n" in told.stdout
    assert run("aws", "setup", environment=environment).stdout.count(": created") == 5
    again = run("aws", "setup", environment=environment)
    assert again.stdout.count(": exists") == 5
    looked = run("aws", "doctor", environment=environment)
    assert looked.returncode == 1
    assert "wrong topic: its messages are refused" in looked.stdout
    assert looked.stderr == ""


async def test_settings_that_do_not_do_are_named(aws: Aws, settings: Settings) -> None:
    good = settings.model_copy(update={"public_url": PUBLIC, "sns_topic_arns": ()})
    assert (await plan_deployment(aws, good)).topic_arn == ARN
    for change in ({"public_url": "http://mail.school.example"}, {"ses_configuration_set": None}):
        with pytest.raises(SettingsError, match="CAMPAIGNS_"):
            await plan_deployment(aws, good.model_copy(update=change))


async def test_doctor_leaves_with_what_it_found(settings: Settings, empty_database: object) -> None:
    environment = make_environment(settings)
    ended = run("doctor", "--quick", environment=environment)
    assert ended.returncode == 1
    assert "wrong workers: none has given a sign of life" in ended.stdout
    redis = connect_redis(settings.redis_url)
    await redis.set(HEALTH_KEY, "here", ex=60)
    ended = run("doctor", "--repair", environment=environment)
    await redis.delete(HEALTH_KEY)
    await redis.aclose()
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "ok    counters: equal a recount of the recipients in all 0 campaigns" in ended.stdout


async def test_a_region_is_asked_for(account: pytest.MonkeyPatch, settings: Settings) -> None:
    environment = {**read_environment(settings)}
    del environment["AWS_DEFAULT_REGION"]
    assert "region" in read_complaint("aws", "setup", environment=environment)
