"""One look for all who listen in this process, four times a second, while anybody does.

Looking is exact and costs writers nothing, where a notification from the counters' transaction would
serialise their commits, and one after it would be lost with its process. However many listen to a campaign,
and however many facts come, a process reads it four times a second.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import Database, is_disconnect
from app.core.errors import Unavailable
from app.reports.live.credentials import find_valid_callers
from app.reports.live.leaving import on_leaving
from app.reports.live.listener import Listener, Topic
from app.reports.live.showing import show
from app.reports.live.sight import KnownList, Watch, look

LOOK_SECONDS = 0.25
LONGEST_LOOK_SECONDS = 0.6
"""Long lists cost PostgreSQL a tenth of its time at most, while changes are still told within a second."""
GATHER_SECONDS = 0.02
"""Whoever begins to listen waits so long for others: a crowd that comes back costs a few looks."""
AWAY_SECONDS = 1.0
PATIENCE_SECONDS = 5.0
CREDENTIAL_SECONDS = 15.0
MOST_OF_A_SCHOOL = 2000

log = structlog.get_logger(__name__)


class Hub:
    """Who listens to what, and the task that looks for them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._listeners: dict[Topic, set[Listener]] = {}
        self._lists: dict[UUID, KnownList] = {}
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._checked_at = float("-inf")
        self._is_away = False
        self._closed = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Hub"]:
        """Serve listeners; their streams end when the process is told to leave, or else at the end."""
        try:
            with on_leaving(self.close):
                yield self
        finally:
            self.close()
            if self._task is not None:
                self._task.cancel()
                await asyncio.wait({self._task})

    def close(self) -> None:
        """End all streams; those that come later end at once."""
        self._closed = True
        self._end_all()

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Tell the listener what is new while this lasts."""
        self._listeners.setdefault(listener.topic, set()).add(listener)
        if self._closed:
            listener.end()
        elif self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_on())
        self._woken.set()
        try:
            yield
        finally:
            self._forget(listener)

    def check_room(self, school_id: UUID) -> None:
        """Raise Unavailable when too many of the school listen already."""
        theirs = sum(len(them) for topic, them in self._listeners.items() if topic[0] == school_id)
        if theirs >= MOST_OF_A_SCHOOL:
            raise Unavailable(f"{theirs} listen for this school already.", headers={"Retry-After": "60"})

    def _forget(self, listener: Listener) -> None:
        them = self._listeners[listener.topic]
        them.discard(listener)
        if not them:
            del self._listeners[listener.topic]
            self._lists.pop(listener.topic[0], None)  # if another listens to the list, it is read again

    def _all(self) -> list[Listener]:
        return [listener for them in self._listeners.values() for listener in them]

    def _end_all(self) -> None:
        for listener in self._all():
            listener.end()

    async def _look_on(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._listeners and not self._closed:
                await asyncio.sleep(GATHER_SECONDS)
                self._woken.clear()
                started = loop.time()
                await self._look()
                pause = min(max(LOOK_SECONDS, 9 * (loop.time() - started)), LONGEST_LOOK_SECONDS)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), pause)
        except Exception:
            log.exception("live reports cannot be looked at")
            self._end_all()  # they come back, and another task begins

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS), self._database.connection() as connection:
                await self._check_credentials(connection)
                sight = await look(connection, self._choose())
        except Exception as error:
            if not is_disconnect(error):
                raise
            await self._wait_for_database(error)
            return
        self._is_away = False
        self._lists |= {
            school: known for school, known in sight.lists.items() if (school, None) in self._listeners
        }
        show(self._listeners, sight)

    def _choose(self) -> Watch:
        schools = [school for school, campaign in self._listeners if campaign is None]
        return Watch(
            campaigns=[(school, campaign) for school, campaign in self._listeners if campaign is not None],
            lists={school: self._lists.get(school) for school in schools},
            arriving=[
                school for school in schools if any(each.is_new for each in self._listeners[school, None])
            ],
        )

    async def _check_credentials(self, connection: AsyncConnection) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._checked_at + CREDENTIAL_SECONDS:
            return
        listeners = self._all()
        valid = await find_valid_callers(connection, {each.caller for each in listeners})
        self._checked_at = now
        for listener in listeners:
            if listener.caller not in valid:
                listener.remark("the credential is no longer valid")
                listener.end()

    async def _wait_for_database(self, error: Exception) -> None:
        if not self._is_away:
            log.warning("the database is away", error=type(error).__name__)
            for listener in self._all():
                listener.remark("the database is away; what changes is told when it is back")
        self._is_away = True
        await asyncio.sleep(AWAY_SECONDS)
