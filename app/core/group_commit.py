"""Many requests, one transaction: while one commit runs, the next batch gathers."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar, cast

from app.core.db import is_contention, is_disconnect
from app.core.deadlines import Deadlines

Item = TypeVar("Item")


class GroupCommit(Generic[Item]):
    """Gathers items and hands them to `write`, which makes them durable in one transaction.

    `write` is all or nothing. A batch that fails is split until the poison stands alone, so that one bad
    item never takes others with it; a lost race is run again; a database that is away fails them all at
    once (each caller then decides: answer 503, keep it in Redis, let a lease expire).
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Awaitable[None]],
        *,
        most: int = 500,
        side_by_side: int = 1,
        patience: float | None = None,
    ) -> None:
        """Write at most so many items at a time, in so many transactions side by side.

        Nobody waits longer than `patience` seconds, where it is given.
        """
        self._write = write
        self._most = most
        self._side_by_side = side_by_side
        self._deadlines = Deadlines(patience) if patience else None
        self._waiting: deque[tuple[Item, asyncio.Future[None]]] = deque()
        self._writers: set[asyncio.Task[None]] = set()

    async def submit(self, item: Item) -> None:
        """Return once the item is durable; raise what its own write raised, TimeoutError when it takes long.

        A caller that is cancelled, or out of patience, takes its item back, unless its write has begun.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((item, done))
        if len(self._writers) < self._side_by_side:
            self._start_writer(loop)
        if self._deadlines is not None:
            self._deadlines.add(done)
        await done

    async def close(self) -> None:
        """Wait for what was submitted; cancelled, it gives up what is still being written."""
        try:
            while self._writers:
                await asyncio.wait(set(self._writers))
        except asyncio.CancelledError:
            writers = set(self._writers)
            for writer in writers:
                writer.cancel()
            await asyncio.gather(*writers, return_exceptions=True)
            raise

    def _start_writer(self, loop: asyncio.AbstractEventLoop) -> None:
        writer = loop.create_task(self._drain())
        self._writers.add(writer)
        writer.add_done_callback(self._writers.discard)  # one that is cancelled before it has begun

    async def _drain(self) -> None:
        try:
            while self._waiting:
                count = min(self._most, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(count)]
                # Whoever gave up waiting keeps the item in another way, or not at all.
                if wanted := [(item, done) for item, done in batch if not done.done()]:
                    await self._commit(wanted)
        finally:
            # In the same breath as nothing was found waiting: what is submitted from now on finds no writer.
            self._writers.discard(cast(asyncio.Task[None], asyncio.current_task()))

    async def _commit(self, batch: Sequence[tuple[Item, asyncio.Future[None]]]) -> None:
        try:
            await self._attempt([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001  # every failure belongs to a caller who awaits it
            if len(batch) == 1 or is_disconnect(error):
                for _, done in batch:
                    if not done.done():
                        done.set_exception(error)
                return
            half = len(batch) // 2
            await self._commit(batch[:half])
            await self._commit(batch[half:])
        else:
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    async def _attempt(self, items: Sequence[Item], *, tries: int = 3) -> None:
        for left in reversed(range(tries)):
            try:
                await self._write(items)
            except Exception as error:
                if not (left and is_contention(error)):
                    raise
            else:
                return
