"""Reading a file that arrives: PostgreSQL stores one chunk, the next is copied to it, a third gathers."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from app.core.db import Database
from app.core.errors import BodyCutShort
from app.directory.imports.landing import Chunk, Job, land_chunk
from app.directory.imports.lines import LineReader
from app.directory.imports.rows import Row, RowReader, iterate_rows

PATIENCE = 60.0
"""Seconds without a byte after which the sender is given up."""
BEAT = 5.0
"""Seconds after which what has gathered lands, full or not: progress can be seen, and is a sign of life."""

STRIDE = 10
"""Rows read at a stretch, less than a millisecond: then the landing goes on, and whatever else is served."""


async def read_file(database: Database, job: Job, pieces: AsyncIterator[bytes], reader: RowReader) -> None:
    """Land all rows of the file; of one that breaks off, those that came whole."""
    lines, landing = LineReader(), _Landing(database, job)
    try:
        async for piece in _with_patience(pieces):
            landing.count(piece)
            for row in iterate_rows(reader, lines.feed(piece)):
                await landing.add(row)
            await landing.beat()
        for row in iterate_rows(reader, lines.finish()):
            await landing.add(row)
        if last := reader.finish():
            await landing.add(last)
        await landing.finish()
    except BodyCutShort:
        await landing.finish()
        raise
    except BaseException:
        await landing.abandon()
        raise


class _Landing:
    """Three chunks at most: two on their way to PostgreSQL, one gathering. Who adds waits for room."""

    def __init__(self, database: Database, job: Job) -> None:
        self._database = database
        self._chunk = Chunk(job)
        self._rows = 0
        self._tasks: deque[asyncio.Task[None]] = deque()
        self._clock = asyncio.get_running_loop().time
        self._since = self._clock()

    def count(self, piece: bytes) -> None:
        self._chunk.bytes_read += len(piece)

    async def add(self, row: Row) -> None:
        if not self._chunk.takes(row):
            await self._send()
        self._chunk.add(row)
        self._rows += 1
        if self._rows % STRIDE == 0:
            await asyncio.sleep(0)

    async def beat(self) -> None:
        if self._clock() - self._since > BEAT:
            await self._send()

    async def finish(self) -> None:
        await self._send()
        await self._settle(leave=0)

    async def abandon(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _send(self) -> None:
        await self._settle(leave=1)
        chunk, self._chunk = self._chunk, Chunk(self._chunk.job, self._chunk.bytes_read)
        self._since = self._clock()
        before = self._tasks[-1] if self._tasks else None
        self._tasks.append(asyncio.create_task(land_chunk(self._database, chunk, before)))

    async def _settle(self, *, leave: int) -> None:
        while len(self._tasks) > leave:
            await self._tasks[0]
            self._tasks.popleft()


async def _with_patience(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise BodyCutShort(f"Nothing more of the file came for {PATIENCE:.0f} seconds.") from None
        yield piece
