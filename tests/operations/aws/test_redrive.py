"""`campaigns aws redrive`: what SNS gave up on reaches the webhook, and is kept until it is taken."""

from typing import Any

import httpx
import pytest

from app.mail.setup.clients import Aws, AwsError
from app.mail.setup.redrive import redrive_events
from app.mail.setup.undelivered import find_queue
from app.mail.setup.wanted import Wanted
from app.simulator.client import SimulatorClient
from tests.school import SchoolClient

HERE = "http://campaigns.test/webhooks/ses"


async def fill(aws: Aws, wanted: Wanted, *bodies: str) -> str:
    url = await find_queue(aws, wanted.queue)
    assert url is not None
    for body in bodies:
        await aws.sqs.send_message(QueueUrl=url, MessageBody=body)
    return url


async def count(aws: Aws, url: str) -> int:
    answer: dict[str, Any] = await aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    attributes = answer["Attributes"]
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return sum(int(attributes[name]) for name in names)


async def test_signed_events_are_taken_and_others_stay(
    aws: Aws,
    complete: Wanted,
    public: httpx.AsyncClient,
    simulator: SimulatorClient,
    school: SchoolClient,
) -> None:
    text = "Successfully validated SNS topic for Amazon SES"
    signed = [(await simulator.sign(text)).decode() for _ in range(12)]
    url = await fill(aws, complete, *signed, '{"forged": true}')
    taken = [each async for each in redrive_events(aws, complete, public, post_to=HERE)]
    assert (taken.count(True), taken.count(False)) == (12, 1)
    assert await count(aws, url) == 1


async def test_a_webhook_that_is_away_loses_nothing(aws: Aws, complete: Wanted) -> None:
    url = await fill(aws, complete, "{}")

    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse)) as client:
        with pytest.raises(AwsError, match="cannot be reached"):
            _ = [each async for each in redrive_events(aws, complete, client, post_to=HERE)]
    assert await count(aws, url) == 1


async def test_without_a_queue_there_is_nothing_to_do(
    aws: Aws, wanted: Wanted, public: httpx.AsyncClient
) -> None:
    assert [each async for each in redrive_events(aws, wanted, public, post_to=HERE)] == []
