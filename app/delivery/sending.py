"""Send: whose turn it is, at the account's pace, N calls in flight; `handing.py` does one of them."""

import asyncio
from contextlib import suppress

import structlog
from redis.exceptions import RedisError

from app.core.config import Settings
from app.core.db import Database, is_disconnect
from app.delivery.claiming import find_due
from app.delivery.fairness import Rota, Turn
from app.delivery.handing import Handoff
from app.delivery.pacing import RETRY_SECONDS, Pacer, Rate
from app.mail.ses import SesMail

ROTA_SECONDS = 0.25
"""How old the list of due campaigns may be: also how long an operational message may wait to be seen."""
TICK_SECONDS = 1.0
LEAVE_SECONDS = 9.4
"""How long calls in flight and their settlements may take once the process is told to leave."""
log = structlog.get_logger(__name__)


class Deliverer:
    """One worker process's sending, from `start` to `close`, which lets calls in flight finish."""

    def __init__(self, *, database: Database, mail: SesMail, pacer: Pacer, settings: Settings) -> None:
        self._database = database
        self._pacer = pacer
        self._handoff = Handoff(database=database, mail=mail, pacer=pacer, settings=settings)
        self._rota = Rota()
        self._rota_read_at = float("-inf")
        self._slots = asyncio.Semaphore(settings.calls_in_flight)
        self._calls: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopped = asyncio.Event()
        self._leave_by = float("inf")
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hand off what is due, and go on until `close`."""
        self._running = asyncio.create_task(self.run())

    def wake(self) -> None:
        """Look for due mail now instead of at the next tick."""
        self._rota_read_at = float("-inf")
        self._woken.set()

    def stop(self) -> None:
        """Begin no more calls."""
        if not self._stopped.is_set():
            self._leave_by = asyncio.get_running_loop().time() + LEAVE_SECONDS
            self._stopped.set()
            self._woken.set()

    async def close(self) -> None:
        """Begin no more calls, wait until those in flight are recorded, and leave in time even so."""
        self.stop()
        if self._running is None:
            return
        left = max(0.0, self._leave_by - asyncio.get_running_loop().time())
        await asyncio.wait({self._running}, timeout=left)
        # What is cut off here stays claimed; its lease runs out and evidence settles it.
        tasks = (self._running, *self._calls)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def run(self) -> None:
        """Hand off what is due, until `stop`. Nothing ends it before: whatever fails is tried again."""
        while not self._stopped.is_set():
            self._woken.clear()
            try:
                await self.drain()
            except Exception as error:
                if is_disconnect(error) or isinstance(error, RedisError):
                    log.warning("a service is away", error=type(error).__name__)
                else:
                    log.exception("sending stumbled, and goes on")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), TICK_SECONDS)

    async def drain(self) -> None:
        """Hand off what is due, as fast as the account allows; return when nothing is left."""
        try:
            while await self._send_next():
                pass
        finally:
            while self._calls:
                await asyncio.wait(self._calls)

    async def _send_next(self) -> bool:
        await self._slots.acquire()
        started = False
        try:
            started = await self._start_call()
        finally:
            if not started:
                self._slots.release()
        if not started and self._calls and not self._stopped.is_set():
            # Nothing is due now, but a call in flight may put recipients back.
            await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED, timeout=ROTA_SECONDS)
            self._rota_read_at = float("-inf")
            return True
        return started

    async def _start_call(self) -> bool:
        if self._stopped.is_set() or not await self._look_for_work():
            return False
        rate = await self._pacer.read_rate()
        if not await self._take_turn(rate):
            return False
        await self._look_for_work()
        turn = self._rota.next()
        if turn is None or self._stopped.is_set():
            await self._pacer.give_back(rate.largest_call, rate)
            return False
        task = asyncio.create_task(self._send_batch(turn, rate))
        self._calls.add(task)
        task.add_done_callback(self._end_call)
        return True

    async def _take_turn(self, rate: Rate) -> bool:
        """Wait for the turn of a call; False when all sending is held, or goes at another rate by then."""
        wait = await self._pacer.reserve(rate.largest_call, rate)
        if wait is None:
            return False
        turn_at = asyncio.get_running_loop().time() + wait
        while (left := turn_at - asyncio.get_running_loop().time()) > 0 and not self._stopped.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), min(left, RETRY_SECONDS))
            if left > RETRY_SECONDS and await self._pacer.read_rate() != rate:
                if rate.known:  # else who was first to know has ended the waiting already
                    await self._pacer.give_back(rate.largest_call, rate)
                return False
        return True

    async def _look_for_work(self) -> bool:
        loop = asyncio.get_running_loop()
        if loop.time() - self._rota_read_at > ROTA_SECONDS:
            async with self._database.connection() as connection:
                self._rota.refresh(await find_due(connection))
            self._rota_read_at = loop.time()
        return bool(self._rota)

    async def _send_batch(self, turn: Turn, rate: Rate) -> None:
        if not await self._handoff.send_batch(turn, rate):
            self._rota.drop(turn)

    def _end_call(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Nothing was claimed, or the batch stays claimed: its lease runs out and evidence settles it.
            log.warning("a batch was not handed off", error=type(error).__name__)
