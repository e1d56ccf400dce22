"""One timer for many waits of the same length: a timer for each would cost more than what is waited for."""

import asyncio
from collections import deque
from typing import Any


class Deadlines:
    """Ends waits that have taken so many seconds with a TimeoutError."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waits: deque[tuple[float, asyncio.Future[Any]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, wait: asyncio.Future[Any]) -> None:
        """Let this wait begin now."""
        loop = wait.get_loop()
        while self._waits and self._waits[0][1].done():
            self._waits.popleft()
        self._waits.append((loop.time() + self._seconds, wait))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._end_late, loop)

    def _end_late(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waits:
            due, wait = self._waits[0]
            if due > loop.time() and not wait.done():
                self._timer = loop.call_at(due, self._end_late, loop)
                return
            self._waits.popleft()
            if not wait.done():
                wait.set_exception(TimeoutError())
        self._timer = None
