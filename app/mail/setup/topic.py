"""The SNS topic that SES publishes to: signed with SHA-256, patient, and open to SES for this set alone."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.mail.setup.clients import Aws, ask, find
from app.mail.setup.steps import Step, tell, tell_changes
from app.mail.setup.wanted import Wanted, add_statement, has_statement

SIGNATURE_VERSION = "2"
"""SHA-256 in place of SHA-1. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html"""


async def ensure_topic(aws: Aws, wanted: Wanted, *, dry_run: bool) -> Step:
    """Create the topic, or change of it what differs (SetTopicAttributes).

    https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html
    """
    thing = f"SNS topic {wanted.topic_arn}"
    attributes = await read_topic(aws, wanted.topic_arn)
    if is_new := attributes is None:
        if dry_run:
            return tell(thing, "created", dry_run=True)
        await ask(aws.sns.create_topic(Name=wanted.topic))
        attributes = await read_topic(aws, wanted.topic_arn)
    changes = find_changes(attributes or {}, wanted)
    if not dry_run:
        for name, value in changes.items():
            await ask(
                aws.sns.set_topic_attributes(
                    TopicArn=wanted.topic_arn, AttributeName=name, AttributeValue=value
                )
            )
    return Step(thing, "created") if is_new else tell_changes(thing, list(changes), dry_run=dry_run)


async def read_topic(aws: Aws, topic_arn: str) -> dict[str, str] | None:
    """Return the topic's attributes; None where there is no such topic."""
    answer = await find(aws.sns.get_topic_attributes(TopicArn=topic_arn))
    return None if answer is None else dict(answer["Attributes"])


def find_changes(attributes: Mapping[str, str], wanted: Wanted) -> dict[str, str]:
    """Return the attributes that must be set, as the API takes them (pure)."""
    changes = {}
    if attributes.get("SignatureVersion", "1") != SIGNATURE_VERSION:
        changes["SignatureVersion"] = SIGNATURE_VERSION
    policy = read_document(attributes.get("Policy"))
    if not has_statement(policy, wanted.publishing):
        changes["Policy"] = orjson.dumps(add_statement(policy, wanted.publishing)).decode()
    if read_document(attributes.get("DeliveryPolicy")) != wanted.delivery_policy:
        changes["DeliveryPolicy"] = orjson.dumps(wanted.delivery_policy).decode()
    return changes


def read_document(text: str | None) -> Any:
    """Return a policy as an object; None where there is none, or it is no JSON."""
    try:
        return orjson.loads(text) if text else None
    except orjson.JSONDecodeError:
        return None
