"""The clients of an AWS account, to set it up; region, credentials and endpoints are the standard ones."""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aioboto3
from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError

_ABSENT = frozenset({"NotFound", "NotFoundException", "QueueDoesNotExist", "NonExistentQueue"})
_CONFIG = AioConfig(connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 5, "mode": "standard"})


class AwsError(Exception):
    """AWS refused, or could not be asked; the message is one line."""


@dataclass(frozen=True, slots=True)
class Aws:
    """One account in one region."""

    ses: Any
    sns: Any
    sqs: Any
    sts: Any
    region: str


@asynccontextmanager
async def open_aws() -> AsyncIterator[Aws]:
    """Open the clients; raise AwsError where no region is set."""
    session = aioboto3.Session()
    async with AsyncExitStack() as stack:
        try:
            ses, sns, sqs, sts = [
                await stack.enter_async_context(session.client(name, config=_CONFIG))
                for name in ("sesv2", "sns", "sqs", "sts")
            ]
        except BotoCoreError as error:
            raise AwsError(_one_line(error)) from None
        yield Aws(ses, sns, sqs, sts, region=ses.meta.region_name)


async def ask(call: Awaitable[Any]) -> dict[str, Any]:
    """Await a call's answer; raise AwsError for whatever else comes."""
    answer = await find(call)
    if answer is None:
        raise AwsError("AWS says that it does not exist.")
    return answer


async def find(call: Awaitable[Any]) -> dict[str, Any] | None:
    """Await a call's answer; None where what it names does not exist, AwsError for any other failure."""
    try:
        answer: dict[str, Any] = await call
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code.rpartition(".")[2] in _ABSENT:
            return None
        raise AwsError(_one_line(error)) from None
    except (BotoCoreError, OSError) as error:
        raise AwsError(_one_line(error)) from None
    return answer


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
