"""The SQS queue of events that SNS gave up to deliver: kept for two weeks, for `campaigns aws redrive`."""

from typing import Any

import orjson

from app.mail.setup.clients import Aws, ask, find
from app.mail.setup.steps import Step, tell, tell_changes
from app.mail.setup.topic import read_document
from app.mail.setup.wanted import QUEUE_SECONDS, Wanted, add_statement, has_statement


async def ensure_queue(aws: Aws, wanted: Wanted, *, dry_run: bool) -> Step:
    """Create the queue, or change of it what differs (SetQueueAttributes).

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
    """
    thing = f"SQS queue {wanted.queue}"
    url = await find_queue(aws, wanted.queue)
    attributes = await read_queue(aws, url) if url else {}
    changes = _find_changes(attributes, wanted)
    if not dry_run:
        if url is None:
            await ask(aws.sqs.create_queue(QueueName=wanted.queue, Attributes=changes))
        elif changes:
            await ask(aws.sqs.set_queue_attributes(QueueUrl=url, Attributes=changes))
    if url is None:
        return tell(thing, "created", dry_run=dry_run)
    return tell_changes(thing, list(changes), dry_run=dry_run)


async def find_queue(aws: Aws, name: str) -> str | None:
    """Return the queue's URL; None where there is no such queue."""
    answer = await find(aws.sqs.get_queue_url(QueueName=name))
    return None if answer is None else str(answer["QueueUrl"])


async def read_queue(aws: Aws, url: str) -> dict[str, str]:
    """Return the queue's attributes."""
    answer = await ask(aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]))
    return dict(answer.get("Attributes", {}))


def _find_changes(attributes: dict[str, str], wanted: Wanted) -> dict[str, Any]:
    changes = {}
    if attributes.get("MessageRetentionPeriod") != str(QUEUE_SECONDS):
        changes["MessageRetentionPeriod"] = str(QUEUE_SECONDS)
    policy = read_document(attributes.get("Policy"))
    if not has_statement(policy, wanted.giving_up):
        changes["Policy"] = orjson.dumps(add_statement(policy, wanted.giving_up)).decode()
    return changes
