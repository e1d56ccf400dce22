"""`campaigns aws setup` makes all of it, once; what is there stays, and a dry run does nothing."""

import orjson
import pytest

from app.mail.setup.clients import Aws, AwsError, open_aws
from app.mail.setup.complete import complete_account, plan_account
from app.mail.setup.publishing import find_destination
from app.mail.setup.subscription import find_subscription, read_subscription
from app.mail.setup.topic import read_topic
from app.mail.setup.undelivered import find_queue, read_queue
from app.mail.setup.wanted import DESTINATION, EVENT_TYPES, Wanted, add_statement, longest_retries

SNS_HARD_LIMIT = 3600


async def complete_all(aws: Aws, wanted: Wanted, *, dry_run: bool = False) -> list[str]:
    return [step.done async for step in complete_account(aws, wanted, dry_run=dry_run)]


async def test_everything_is_made_once(aws: Aws, wanted: Wanted) -> None:
    assert await complete_all(aws, wanted, dry_run=True) == ["would be created"] * 5
    assert await read_topic(aws, wanted.topic_arn) is None
    assert await find_queue(aws, wanted.queue) is None
    assert await complete_all(aws, wanted) == ["created"] * 5
    assert await complete_all(aws, wanted) == ["exists"] * 5
    assert await complete_all(aws, wanted, dry_run=True) == ["exists"] * 5


async def test_what_is_made_is_what_events_need(aws: Aws, complete: Wanted) -> None:
    topic = await read_topic(aws, complete.topic_arn)
    assert topic is not None
    assert topic["SignatureVersion"] == "2"
    assert complete.publishing in orjson.loads(topic["Policy"])["Statement"]
    condition = complete.publishing["Condition"]["StringEquals"]
    assert condition == {
        "AWS:SourceAccount": "123456789012",
        "AWS:SourceArn": "arn:aws:ses:eu-west-1:123456789012:configuration-set/campaigns",
    }
    retries = orjson.loads(topic["DeliveryPolicy"])["http"]["defaultHealthyRetryPolicy"]
    assert 0.9 * SNS_HARD_LIMIT < longest_retries() <= SNS_HARD_LIMIT
    assert retries["numRetries"] <= 100
    url = await find_queue(aws, complete.queue)
    assert url is not None
    queue = await read_queue(aws, url)
    assert queue["QueueArn"] == complete.queue_arn
    assert queue["MessageRetentionPeriod"] == "1209600"
    assert orjson.loads(queue["Policy"])["Statement"][0]["Condition"] == {
        "ArnEquals": {"aws:SourceArn": complete.topic_arn}
    }
    destination = await find_destination(aws, complete)
    assert destination is not None
    assert set(destination["MatchingEventTypes"]) == set(EVENT_TYPES)
    assert not {"OPEN", "CLICK"} & set(EVENT_TYPES)
    arn = await find_subscription(aws, complete)
    assert arn is not None
    subscription = await read_subscription(aws, arn)
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("https", complete.webhook)
    assert subscription["RawMessageDelivery"] == "false"
    assert orjson.loads(subscription["RedrivePolicy"]) == {"deadLetterTargetArn": complete.queue_arn}


async def test_what_differs_is_changed_and_the_rest_left(aws: Aws, complete: Wanted) -> None:
    mine = {"Sid": "Mine", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}
    await aws.sns.set_topic_attributes(
        TopicArn=complete.topic_arn,
        AttributeName="Policy",
        AttributeValue=orjson.dumps(add_statement(None, mine)).decode(),
    )
    url = await find_queue(aws, complete.queue)
    await aws.sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    await aws.ses.update_configuration_set_event_destination(
        ConfigurationSetName=complete.configuration_set,
        EventDestinationName=DESTINATION,
        EventDestination={**complete.destination, "MatchingEventTypes": ["BOUNCE", "OPEN"], "Enabled": False},
    )
    arn = await find_subscription(aws, complete)
    await aws.sns.set_subscription_attributes(
        SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true"
    )
    steps = [step async for step in complete_account(aws, complete, dry_run=True)]
    assert [step.done for step in steps] == [
        "would be changed",
        "would be changed",
        "exists",
        "would be changed",
        "would be changed",
    ]
    assert steps[0].detail == "Policy"
    assert steps[4].detail == "RawMessageDelivery"
    assert (await complete_all(aws, complete)).count("changed") == 4
    assert await complete_all(aws, complete) == ["exists"] * 5
    topic = await read_topic(aws, complete.topic_arn)
    assert topic is not None
    assert orjson.loads(topic["Policy"])["Statement"] == [mine, complete.publishing]
    destination = await find_destination(aws, complete)
    assert destination is not None
    assert destination["Enabled"]
    assert set(destination["MatchingEventTypes"]) == {*EVENT_TYPES, "OPEN"}


async def test_a_subscription_is_found_on_any_page(aws: Aws, complete: Wanted) -> None:
    for number in range(110):
        await aws.sns.subscribe(
            TopicArn=complete.topic_arn, Protocol="https", Endpoint=f"https://other.example/{number}"
        )
    arn = await find_subscription(aws, complete)
    await aws.sns.unsubscribe(SubscriptionArn=arn)
    assert await find_subscription(aws, complete) is None
    await complete_all(aws, complete)
    assert await find_subscription(aws, complete) not in {None, arn}


async def test_aws_away_or_unknown_is_one_line(account: pytest.MonkeyPatch) -> None:
    account.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:1")
    async with open_aws() as aws:
        with pytest.raises(AwsError, match="Could not connect") as caught:
            await plan(aws)
    assert "\n" not in str(caught.value)
    account.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(AwsError, match="region"):
        async with open_aws():
            pass
    account.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        account.delenv(name)
    async with open_aws() as aws:
        with pytest.raises(AwsError, match="credentials"):
            await plan(aws)


async def plan(aws: Aws) -> Wanted:
    return await plan_account(aws, configuration_set="c", topic="t", webhook="https://x.example")
