"""A worker that kills itself at a named point: `python -m tests.faults.doomed worker POINT NTH`.

The product has no hooks for this: the points are put round its functions here, in a process of its own.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp

from app.cli import app
from app.delivery import claims, handing
from app.mail.ses import SesMail

POINTS = (
    "before_claim_commit",
    "after_claim_commit",
    "after_request_written",
    "after_answer",
    "before_settle_commit",
    "after_settle_commit",
)
"""Where a worker can be in the life of a batch."""
BULK_PATH = "/v2/email/outbound-bulk-emails"
_WRITTEN_AFTER_SECONDS = 0.005
"""The request has long left for the kernel by then; the simulator's answer may or may not have come."""


class Doom:
    """Counts how often the point was reached; the process ends at the time that was set."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    def strike(self) -> None:
        """End the process as a crash does, when it is time."""
        self._left -= 1
        if self._left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)


def prepare(point: str, doom: Doom) -> None:
    """Put the point round what the product does there."""
    targets: dict[str, tuple[Any, str]] = {
        "before_claim_commit": (claims, "claim_batches"),
        "after_claim_commit": (handing.Handoff, "_call_and_settle"),
        "after_request_written": (aiohttp.ClientResponse, "start"),
        "after_answer": (SesMail, "send_batch"),
        "before_settle_commit": (handing, "write_settlements"),
        "after_settle_commit": (handing.Handoff, "_write"),
    }
    owner, name = targets[point]
    setattr(owner, name, _WRAPPERS.get(point, _after)(getattr(owner, name), doom))


def _after(inner: Callable[..., Any], doom: Doom) -> Callable[..., Any]:
    async def run(*arguments: Any, **options: Any) -> Any:
        result = await inner(*arguments, **options)
        if result or inner.__name__ != "claim_batches":
            doom.strike()
        return result

    return run


def _before(inner: Callable[..., Any], doom: Doom) -> Callable[..., Any]:
    async def run(*arguments: Any, **options: Any) -> Any:
        doom.strike()
        return await inner(*arguments, **options)

    return run


def _while_answered(inner: Callable[..., Any], doom: Doom) -> Callable[..., Any]:
    async def run(response: aiohttp.ClientResponse, *arguments: Any) -> Any:
        if response.url.path == BULK_PATH:
            await asyncio.sleep(_WRITTEN_AFTER_SECONDS)
            doom.strike()
        return await inner(response, *arguments)

    return run


_WRAPPERS = {"after_claim_commit": _before, "after_request_written": _while_answered}


def main(arguments: Sequence[str]) -> None:
    """Run a worker that will not end well."""
    command, point, nth = arguments
    prepare(point, Doom(int(nth)))
    app([command])


if __name__ == "__main__":
    main(sys.argv[1:])
