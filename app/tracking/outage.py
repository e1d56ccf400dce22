"""PostgreSQL as a visitor may ask it: for a moment at most, and not at all while it does not answer."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

import structlog

from app.core.db import is_disconnect

PATIENCE_SECONDS = 2.0
"""How long a visitor waits for PostgreSQL at most."""
PAUSE_SECONDS = 2.0
"""How long PostgreSQL is left alone after it did not answer: one request in a while finds out, not each."""
log = structlog.get_logger(__name__)

Answer = TypeVar("Answer")


class DatabaseAway(Exception):
    """PostgreSQL does not answer now."""


class DatabaseWatch:
    """Remembers for a moment that PostgreSQL did not answer. What is asked of it stands in a `with`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Begin in good faith; `monotonic` tells the time in seconds."""
        self._monotonic = monotonic
        self._left_alone_until = float("-inf")

    def __enter__(self) -> None:
        """Raise DatabaseAway while PostgreSQL is left alone."""
        if self._monotonic() < self._left_alone_until:
            raise DatabaseAway

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        """Raise DatabaseAway instead of any error that means it, TimeoutError among them."""
        if not isinstance(error, Exception) or not is_disconnect(error):
            return
        if self._monotonic() >= self._left_alone_until:
            log.warning("the database is away", error=type(error).__name__)
        self._left_alone_until = self._monotonic() + PAUSE_SECONDS
        raise DatabaseAway from error

    async def ask(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """Return what the question is answered with; raise DatabaseAway where it is not, within 2 s."""
        with self:
            async with asyncio.timeout(PATIENCE_SECONDS):
                return await question()
