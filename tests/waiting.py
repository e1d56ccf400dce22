"""Waiting on a condition, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 0.1
"""Seconds; what is asked takes processor time from what is waited for."""


async def eventually(
    read: Callable[[], Awaitable[Value]], accept: Callable[[Value], bool], *, seconds: float = 20.0
) -> Value:
    """Read until the value is accepted, ever less often; return it, or fail with the last one."""
    pause = FIRST_PAUSE
    deadline = asyncio.get_running_loop().time() + seconds
    while not accept(value := await read()):
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not in {seconds} s; last seen: {value!r}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.2, LONGEST_PAUSE)
    return value
