"""Send: claim a batch, call SES, settle what came of it; N calls in flight, one turn at a time."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import suppress

import structlog
from redis.exceptions import RedisError

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database, is_disconnect
from app.core.group_commit import GroupCommit
from app.core.signing import Signer
from app.delivery.claiming import Claim, claim_batch, find_due
from app.delivery.composing import Letters, compose_batch
from app.delivery.fairness import Rota, Turn
from app.delivery.pacing import Pacer, Rate
from app.delivery.settlement import Settlement, settle
from app.delivery.settling import write_settlements
from app.mail.ses import SesMail
from app.mail.types import OutgoingBatch

ROTA_SECONDS = 0.25
"""How old the list of due campaigns may be: also how long an operational message may wait to be seen."""
LEASE_MARGIN = 0.5
"""Share of the lease that must be left when the call begins: a process that was frozen must not call late."""
THROTTLE_SECONDS = 0.5
TICK_SECONDS = 1.0
log = structlog.get_logger(__name__)


class Deliverer:
    """One worker process's sending. `run` goes on until `stop`, which lets calls in flight finish."""

    def __init__(self, *, database: Database, mail: SesMail, pacer: Pacer, settings: Settings) -> None:
        self._database = database
        self._mail = mail
        self._pacer = pacer
        self._settings = settings
        self._signer = Signer(settings.secret_keys)
        self._rota = Rota()
        self._rota_read_at = float("-inf")
        self._letters = Letters()
        self._slots = asyncio.Semaphore(settings.calls_in_flight)
        self._settlements = GroupCommit(self._write, most=32)
        self._calls: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = False

    def wake(self) -> None:
        """Look for due mail now instead of at the next tick."""
        self._rota_read_at = float("-inf")
        self._woken.set()

    async def run(self) -> None:
        """Hand off what is due, until `stop`; while a service is away, wait and go on by itself."""
        while not self._stopping:
            self._woken.clear()
            try:
                await self.drain()
            except Exception as error:
                if not (is_disconnect(error) or isinstance(error, RedisError)):
                    raise
                log.warning("a service is away", error=type(error).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), TICK_SECONDS)

    async def drain(self) -> None:
        """Hand off what is due, as fast as the account allows; return when nothing is left."""
        try:
            while await self._send_next():
                pass
        finally:
            await self._finish_calls()

    def stop(self) -> None:
        """Begin no more calls; those in flight finish and are recorded before `run` returns."""
        self._stopping = True
        self._woken.set()

    async def _send_next(self) -> bool:
        await self._slots.acquire()
        started = False
        try:
            started = await self._start_call()
        finally:
            if not started:
                self._slots.release()
        if not started and self._calls and not self._stopping:
            # Nothing is due now, but a call in flight may put recipients back.
            await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED, timeout=ROTA_SECONDS)
            self._rota_read_at = float("-inf")
            return True
        return started

    async def _start_call(self) -> bool:
        if self._stopping or not await self._look_for_work():
            return False
        rate = await self._pacer.read_rate()
        if rate is None:
            return False
        await self._pacer.take(rate.largest_call, rate)
        await self._look_for_work()
        turn = self._rota.next()
        if turn is None or self._stopping:
            await self._pacer.give_back(rate.largest_call, rate)
            return False
        task = asyncio.create_task(self._send_batch(turn, rate))
        self._calls.add(task)
        task.add_done_callback(self._end_call)
        return True

    async def _look_for_work(self) -> bool:
        loop = asyncio.get_running_loop()
        if loop.time() - self._rota_read_at > ROTA_SECONDS:
            async with self._database.connection() as connection:
                self._rota.refresh(await find_due(connection))
            self._rota_read_at = loop.time()
        return bool(self._rota)

    def _end_call(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._slots.release()
        if not task.cancelled() and (error := task.exception()) is not None:
            # The batch stays claimed; its lease runs out and evidence settles it.
            log.warning("a batch was not settled", error=type(error).__name__, detail=str(error)[:200])

    async def _finish_calls(self) -> None:
        while self._calls:
            await asyncio.wait(self._calls)

    async def _send_batch(self, turn: Turn, rate: Rate) -> None:
        claimed = await self._claim(turn, rate)
        if claimed is None:
            return
        claim, batch, lease_ends = claimed
        settlement = Settlement(claim, ())
        if batch.emails:
            if asyncio.get_running_loop().time() > lease_ends:
                log.warning("a lease was too old to call under", batch=claim.batch)
                return
            outcomes = await self._mail.send_batch(batch)
            settlement = settle(claim, outcomes, at=now(), chance=random.Random())  # noqa: S311  # jitter
        await self._settlements.submit(settlement)
        if settlement.throttled:
            await self._pacer.slow_down(rate, seconds=THROTTLE_SECONDS)

    async def _claim(self, turn: Turn, rate: Rate) -> tuple[Claim, OutgoingBatch, float] | None:
        lease_ends = asyncio.get_running_loop().time() + self._settings.lease_seconds * LEASE_MARGIN
        async with self._database.connection() as connection:
            claim = await claim_batch(connection, turn, lease_seconds=self._settings.lease_seconds)
            if claim is None:
                self._rota.drop(turn)
            else:
                letter = await self._letters.read(connection, turn.school_id, turn.campaign_id)
        used = len(claim.addressees) if claim else 0
        await self._pacer.give_back(rate.largest_call - used, rate)
        if claim is None:
            return None
        batch = compose_batch(letter, claim, signer=self._signer, public_url=self._settings.public_url)
        return claim, batch, lease_ends

    async def _write(self, settlements: Sequence[Settlement]) -> None:
        async with self._database.connection() as connection:
            await write_settlements(connection, settlements)
