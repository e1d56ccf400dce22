"""The table of recipients as a file, in constant memory and in one snapshot.

One transaction of the school's own reads through a cursor of the server, a piece ahead of the client. It is a
task beside the answer's, so that a client who leaves cancels no statement: the next piece finds nobody to
take it, and the transaction ends.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

import structlog
from anyio import BrokenResourceError, ClosedResourceError, EndOfStream, create_memory_object_stream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import QueuePool

from app.core.db import Database
from app.core.errors import Unavailable
from app.reports.brief import read_brief
from app.reports.calls import find_calling, find_doubts
from app.reports.cells import name_file, write_header, write_lines
from app.reports.recipients import Line, make_line_of
from app.reports.table import Table

ROWS_AT_ONCE: Final = 500
"""So many that a piece takes the event loop for about 10 ms."""
# PostgreSQL itself ends the transaction of a client that takes nothing for a minute.
_PATIENCE: Final = text("SET LOCAL idle_in_transaction_session_timeout = '60s'")
_running: set["Export"] = set()
log = structlog.get_logger(__name__)


class Export:
    """A file on its way: iterate over its pieces, and close it whatever happens.

    An error in the middle is raised from the iteration: a file cut short must not look like a whole one.
    """

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._table = table
        self._out: MemoryObjectSendStream[bytes]
        self._pieces: MemoryObjectReceiveStream[bytes]
        self._out, self._pieces = create_memory_object_stream[bytes](1)
        self._begun = asyncio.Event()
        self.file_name = ""

    async def begin(self) -> None:
        """Start reading; return once the first rows are there, so that what fails before is an answer."""
        _running.add(self)
        self._task = asyncio.create_task(self._read())
        self._task.add_done_callback(self._note_end)
        begun = asyncio.create_task(self._begun.wait())
        try:
            await asyncio.wait({self._task, begun}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            begun.cancel()
            if not self._begun.is_set():
                self.close()
        if not self._begun.is_set():
            await self._task

    def _note_end(self, task: asyncio.Task[None]) -> None:
        _running.discard(self)
        if not task.cancelled() and task.exception() is not None:
            log.warning("an export was cut short", error=type(task.exception()).__name__)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the file's pieces; raise what cut it short."""
        while True:
            try:
                piece = await self._pieces.receive()
            except EndOfStream:
                break
            yield piece
        await self._task

    def close(self) -> None:
        """Take no more pieces."""
        self._pieces.close()

    async def ended(self) -> None:
        """Wait until its transaction has ended."""
        await asyncio.wait({self._task})

    async def _read(self) -> None:
        async with self._out:
            try:
                async with self._database.tenant_transaction(self._table.school_id) as session:
                    await self._send(session)
            except (BrokenResourceError, ClosedResourceError):
                log.info("the client left before the end of an export")

    async def _send(self, session: AsyncSession) -> None:
        school_id, campaign_id = self._table.school_id, self._table.campaign_id
        campaign = await read_brief(session, school_id=school_id, campaign_id=campaign_id)
        self.file_name = name_file(campaign.name or campaign.subject, campaign.sent_at)
        await session.execute(_PATIENCE)
        calling: list[int] = []
        if campaign.is_in_calls:
            calling = await find_calling(session, school_id=school_id, campaign_id=campaign_id)
        table = replace(self._table, calling=calling)
        query = table.select_all().execution_options(yield_per=ROWS_AT_ONCE)
        rows = await (await session.connection()).stream(query)  # the mapper would take twice as long
        piece = write_header()
        async for some in rows.partitions():
            self._begun.set()
            await self._out.send(piece)
            piece = write_lines(await _make_lines(session, table, some, campaign.profile_template))
        self._begun.set()
        await self._out.send(piece)


def _count_connections(database: Database) -> int:
    pool = database.engine.pool
    return pool.size() if isinstance(pool, QueuePool) else 2


async def begin_export(database: Database, table: Table) -> Export:
    """Return the file once its first rows are there; Unavailable while others hold half the connections."""
    if len(_running) >= max(1, _count_connections(database) // 2):
        raise Unavailable("Other files are being made; try again shortly.", headers={"Retry-After": "5"})
    export = Export(database, table)
    await export.begin()
    return export


async def _make_lines(
    session: AsyncSession, table: Table, rows: Sequence[Any], profile_template: str | None
) -> Iterable[Line]:
    unknown = [row.number for row in rows if row.status == "unknown"]
    doubts = await find_doubts(
        session, school_id=table.school_id, campaign_id=table.campaign_id, numbers=unknown
    )
    calling = frozenset(table.calling)
    return [
        make_line_of(
            row,
            calling=row.number in calling,
            profile_template=profile_template,
            doubt=doubts.get(row.number),
        )
        for row in rows
    ]
