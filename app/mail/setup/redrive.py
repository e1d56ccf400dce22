"""Events that SNS gave up to deliver, posted to the webhook as it would have: `campaigns aws redrive`."""

from collections.abc import AsyncIterator
from typing import Any

import httpx

from app.mail.setup.clients import Aws, AwsError, ask
from app.mail.setup.undelivered import find_queue
from app.mail.setup.wanted import Wanted

AT_ONCE = 10
"""SQS's most. https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html"""
HIDDEN_SECONDS = 120
"""How long a message is nobody else's; one that is not delivered comes back then."""


async def redrive_events(
    aws: Aws, wanted: Wanted, client: httpx.AsyncClient, *, post_to: str
) -> AsyncIterator[bool]:
    """Post each message in the queue to the webhook; yield whether it was taken, and is gone from the queue.

    Events are deduplicated here, so one that was delivered after all does no harm. Raise AwsError.
    """
    url = await find_queue(aws, wanted.queue)
    if url is None:
        return
    refused: set[str] = set()
    while True:
        answer = await ask(
            aws.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=AT_ONCE, VisibilityTimeout=HIDDEN_SECONDS, WaitTimeSeconds=1
            )
        )
        messages = [each for each in answer.get("Messages", ()) if each["MessageId"] not in refused]
        if not messages:
            return
        for message in messages:
            taken = await _post(client, post_to, message)
            if taken:
                await ask(aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]))
            else:
                refused.add(message["MessageId"])
            yield taken


async def _post(client: httpx.AsyncClient, url: str, message: dict[str, Any]) -> bool:
    headers = {"Content-Type": "text/plain; charset=UTF-8"}
    try:
        answer = await client.post(url, content=message["Body"].encode(), headers=headers)
    except httpx.HTTPError as error:
        raise AwsError(f"The webhook at {url} cannot be reached: {type(error).__name__}.") from None
    return answer.is_success
