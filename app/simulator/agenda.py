"""Things to do later: a heap of due times, and a bounded number of workers that do them."""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable
from typing import Any

logger = logging.getLogger(__name__)

Work = Callable[..., Awaitable[None]]


class Agenda:
    """Runs work when it is due, at most `concurrency` at once; one heap entry each, no task or timer."""

    def __init__(self, concurrency: int) -> None:
        """Start empty; nothing runs until `run` does."""
        self._concurrency = concurrency
        self._heap: list[tuple[float, int, Work, tuple[Any, ...]]] = []
        self._order = itertools.count()
        self._changed = asyncio.Event()
        self._ready: asyncio.Queue[tuple[Work, tuple[Any, ...]]] = asyncio.Queue()
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def pending(self) -> int:
        """The number of things not yet done."""
        return len(self._heap) + self._ready.qsize() + self._running

    def add(self, delay: float, work: Work, *args: Any) -> None:
        """Have `work(*args)` done `delay` seconds from now."""
        self._idle.clear()
        due = asyncio.get_running_loop().time() + delay
        earliest = self._heap[0][0] if self._heap else float("inf")
        heapq.heappush(self._heap, (due, next(self._order), work, args))
        if due < earliest:
            self._changed.set()

    def clear(self) -> None:
        """Drop everything that has not begun."""
        self._heap.clear()
        while not self._ready.empty():
            self._ready.get_nowait()
        self._rest_if_idle()

    async def wait_idle(self) -> None:
        """Return once nothing is pending."""
        await self._idle.wait()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._concurrency):
                tasks.create_task(self._work())
            tasks.create_task(self._dispatch())

    async def _dispatch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            while self._heap and self._heap[0][0] <= loop.time():
                _, _, work, args = heapq.heappop(self._heap)
                self._ready.put_nowait((work, args))
            timeout = self._heap[0][0] - loop.time() if self._heap else None
            try:
                async with asyncio.timeout(timeout):
                    await self._changed.wait()
            except TimeoutError:
                continue

    async def _work(self) -> None:
        while True:
            work, args = await self._ready.get()
            self._running += 1
            try:
                await work(*args)
            except Exception:
                logger.exception("The simulator's own work failed")
            finally:
                self._running -= 1
                self._rest_if_idle()

    def _rest_if_idle(self) -> None:
        if not self.pending:
            self._idle.set()
