"""Reading a file that arrives, landing it chunk by chunk: while PostgreSQL stores one, the next gathers."""

import asyncio
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

STRIDE = 50
"""Rows read at a stretch, a millisecond: then the landing goes on, and whatever else the process serves."""


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
    """Two chunks at most: one on its way to PostgreSQL, one gathering. Who adds waits for room."""

    def __init__(self, database: Database, job: Job) -> None:
        self._database = database
        self._chunk = Chunk(job)
        self._rows = 0
        self._task: asyncio.Task[None] | None = None
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
        await self._settle()

    async def abandon(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _send(self) -> None:
        await self._settle()
        chunk, self._chunk = self._chunk, Chunk(self._chunk.job, self._chunk.bytes_read)
        self._since = self._clock()
        self._task = asyncio.create_task(land_chunk(self._database, chunk))

    async def _settle(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            await task


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
