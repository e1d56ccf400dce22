"""What the event loop complains of: failures that nobody awaited."""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def collect_complaints() -> Iterator[list[BaseException | None]]:
    """Collect what nobody awaited and the loop complains of, but for one thing that is the driver's own.

    A connection cut short while it is opened is closed, and asyncpg forgets who was to be told.
    """
    loop, complaints = asyncio.get_running_loop(), list[BaseException | None]()
    before = loop.get_exception_handler()

    def collect(_: object, context: dict[str, Any]) -> None:
        if "unexpected connection_lost() call" not in str(context.get("exception")):
            complaints.append(context.get("exception"))

    loop.set_exception_handler(collect)
    try:
        yield complaints
        gc.collect()  # complaints of what was never retrieved come when it is thrown away
    finally:
        loop.set_exception_handler(before)
