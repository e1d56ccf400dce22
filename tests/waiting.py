"""Waiting on a condition, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

Value = TypeVar("Value")


async def eventually(
    read: Callable[[], Awaitable[Value]], accept: Callable[[Value], bool], *, seconds: float = 20.0
) -> Value:
    """Read until the value is accepted; return it, or fail with the last one."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not accept(value := await read()):
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError(f"not in {seconds} s; last seen: {value!r}")
        await asyncio.sleep(0.02)
    return value
