"""The webhook's subscription to the topic: https, the whole envelope, and nothing lost when we are away."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.mail.setup.clients import Aws, ask, find
from app.mail.setup.steps import Step, tell, tell_changes
from app.mail.setup.topic import read_document
from app.mail.setup.wanted import Wanted

PENDING = "PendingConfirmation"
_START = "the API confirms it once it runs with the topic in CAMPAIGNS_SNS_TOPIC_ARNS; run this again then"


async def ensure_subscription(aws: Aws, wanted: Wanted, *, dry_run: bool) -> Step:
    """Subscribe the webhook, ask again for a confirmation that is pending, or change what differs.

    https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
    https://docs.aws.amazon.com/sns/latest/api/API_SetSubscriptionAttributes.html
    """
    thing = f"subscription of {wanted.webhook}"
    arn = await find_subscription(aws, wanted)
    if arn is None or arn == PENDING:
        if not dry_run:
            await _subscribe(aws, wanted)
        done = "created" if arn is None else "asked to confirm again"
        return tell(thing, done, dry_run=dry_run, detail=_START)
    changes = find_changes(await read_subscription(aws, arn), wanted)
    if not dry_run:
        for name, value in changes.items():
            await ask(
                aws.sns.set_subscription_attributes(
                    SubscriptionArn=arn, AttributeName=name, AttributeValue=value
                )
            )
    return tell_changes(thing, list(changes), dry_run=dry_run)


async def find_subscription(aws: Aws, wanted: Wanted) -> str | None:
    """Return the ARN of the webhook's subscription, PENDING until it is confirmed; None without one."""
    page: dict[str, Any] | None
    token: dict[str, str] = {}
    while True:
        page = await find(aws.sns.list_subscriptions_by_topic(TopicArn=wanted.topic_arn, **token))
        for each in (page or {}).get("Subscriptions", ()):
            if (each["Protocol"], each["Endpoint"]) == ("https", wanted.webhook):
                return str(each["SubscriptionArn"])
        if not page or not page.get("NextToken"):
            return None
        token = {"NextToken": page["NextToken"]}


async def read_subscription(aws: Aws, arn: str) -> dict[str, str]:
    """Return the subscription's attributes."""
    return dict((await ask(aws.sns.get_subscription_attributes(SubscriptionArn=arn)))["Attributes"])


def find_changes(attributes: Mapping[str, str], wanted: Wanted) -> dict[str, str]:
    """Return the attributes that must be set, as the API takes them (pure)."""
    changes = {}
    if attributes.get("RawMessageDelivery", "false").lower() != "false":
        changes["RawMessageDelivery"] = "false"  # a raw message is not signed
    if read_document(attributes.get("RedrivePolicy")) != wanted.redrive_policy:
        changes["RedrivePolicy"] = orjson.dumps(wanted.redrive_policy).decode()
    return changes


async def _subscribe(aws: Aws, wanted: Wanted) -> None:
    await ask(
        aws.sns.subscribe(
            TopicArn=wanted.topic_arn,
            Protocol="https",
            Endpoint=wanted.webhook,
            Attributes=find_changes({}, wanted),
            ReturnSubscriptionArn=True,
        )
    )
