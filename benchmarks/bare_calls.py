"""The baselines of delivery: loops that only call SES, with nothing written anywhere."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig

from app.demo.stack import CONFIGURATION_SET, Stack
from benchmarks.sending import HTML, Speed

IN_FLIGHT = 16
LARGEST_CALL = 50
MOST_BULK, MOST_SINGLE = 200_000, 10_000
"""A rate is known after so many."""
# As long as the product's own: what is signed for each recipient.
_TOKEN = "t" * 86
Client = Any


async def loop_bulk(stack: Stack, recipients: int) -> Speed:
    """Call SendBulkEmail for fifty at a time."""
    return await _loop_calls(stack, call_bulk, min(recipients, MOST_BULK), LARGEST_CALL)


async def loop_single(stack: Stack, recipients: int) -> Speed:
    """Call SendEmail for each of a share of as many."""
    return await _loop_calls(stack, call_single, min(max(1000, recipients // 20), MOST_SINGLE), 1)


async def call_bulk(client: Client, first: int) -> None:
    """Send to fifty as the SDK's own documentation does."""
    await client.send_bulk_email(
        FromEmailAddress="School <news@school.example>",
        ConfigurationSetName=CONFIGURATION_SET,
        DefaultContent={
            "Template": {
                "TemplateContent": {"Subject": "News for {{first_name}}", "Html": HTML, "Text": "News"},
                "TemplateData": "{}",
            }
        },
        BulkEmailEntries=[
            {
                "Destination": {"ToAddresses": [f"bulk{number}@mail.example"]},
                "ReplacementEmailContent": {
                    "ReplacementTemplate": {
                        "ReplacementTemplateData": f'{{"first_name":"First","o":"{_TOKEN}","c":"{_TOKEN}"}}'
                    }
                },
                "ReplacementHeaders": [
                    {"Name": "List-Unsubscribe", "Value": f"<https://school.example/u/{_TOKEN}>"},
                    {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                ],
                "ReplacementTags": [
                    {"Name": "campaign_id", "Value": "bulk"},
                    {"Name": "recipient_id", "Value": str(number)},
                ],
            }
            for number in range(first, first + LARGEST_CALL)
        ],
    )


async def call_single(client: Client, first: int) -> None:
    """Send to one."""
    await client.send_email(
        FromEmailAddress="School <news@school.example>",
        ConfigurationSetName=CONFIGURATION_SET,
        Destination={"ToAddresses": [f"single{first}@mail.example"]},
        Content={
            "Simple": {
                "Subject": {"Data": "News for First"},
                "Body": {"Html": {"Data": HTML}, "Text": {"Data": "News"}},
                "Headers": [{"Name": "List-Unsubscribe", "Value": f"<https://school.example/u/{_TOKEN}>"}],
            }
        },
        EmailTags=[
            {"Name": "campaign_id", "Value": "single"},
            {"Name": "recipient_id", "Value": str(first)},
        ],
    )


async def _loop_calls(
    stack: Stack, call: Callable[[Client, int], Awaitable[None]], recipients: int, step: int
) -> Speed:
    """Call until all recipients are handed off, so many calls in flight, with nothing written anywhere."""
    firsts = iter(range(0, recipients, step))
    config = AioConfig(max_pool_connections=IN_FLIGHT, retries={"total_max_attempts": 1})
    environment = stack.environment
    async with AsyncExitStack() as resources:
        client = await resources.enter_async_context(
            aioboto3.Session().client(
                "sesv2",
                config=config,
                region_name=environment["AWS_REGION"],
                endpoint_url=stack.simulator_url,
                aws_access_key_id="simulator",
                aws_secret_access_key="simulator",  # noqa: S106  # nobody's
            )
        )

        async def work() -> None:
            for first in firsts:
                await call(client, first)

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(IN_FLIGHT)))
        return Speed(recipients, time.perf_counter() - started)
