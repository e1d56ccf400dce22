"""The jobs of sending. Each may run twice, late, or on several workers at once: state decides, not they."""

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from app.core.config import Settings
from app.core.db import Database, is_contention, is_disconnect
from app.delivery import sweeps
from app.delivery.guard import pause_risky
from app.delivery.pacing import Pacer
from app.delivery.planning import fail_campaign, prepare_campaign
from app.delivery.reconciling import settle_unknown
from app.delivery.retrying import find_retried, put_back_some
from app.delivery.sending import Deliverer

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a worker process needs to send."""

    database: Database
    settings: Settings
    pacer: Pacer
    deliverer: Deliverer
    _sweeping: asyncio.Lock = field(default_factory=asyncio.Lock)
    _preparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _retrying: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def prepare(self, school_id: UUID, campaign_id: UUID) -> None:
        """Freeze one campaign and begin to hand it off; one that cannot be prepared fails, and says so."""
        rate = await self.pacer.read_rate()
        key = {"school_id": school_id, "campaign_id": campaign_id}
        try:
            async with self.database.system_transaction() as session:
                await prepare_campaign(session, **key, batch_size=rate.largest_call)
        except Exception as error:
            if is_disconnect(error) or is_contention(error):
                raise
            log.exception("a campaign could not be prepared", campaign_id=str(campaign_id))
            async with self.database.system_transaction() as session:
                await fail_campaign(session, **key)
        self.deliverer.wake()

    async def sweep(self) -> None:
        """Do by state whatever is due: guard, schedules, expired leases, evidence, completion, retries.

        A sweep that finds the one before still at it leaves it to go on, and takes no connection.
        """
        if not self._sweeping.locked():
            async with self._sweeping:
                await self._sweep_states()
        if not self._preparing.locked():
            async with self._preparing:
                await self._prepare_forgotten()
        if not self._retrying.locked():
            async with self._retrying:
                await self._retry_failed()
        self.deliverer.wake()

    async def _sweep_states(self) -> None:
        async with self.database.connection() as connection:
            await pause_risky(connection)
        async with self.database.connection() as connection:
            await sweeps.start_scheduled(connection, max_lateness_minutes=self.settings.max_lateness_minutes)
            await sweeps.expire_leases(connection)
        async with self.database.connection() as connection:
            await settle_unknown(
                connection,
                reconcile_after=self.settings.reconcile_after_seconds,
                configuration_set=self.settings.ses_configuration_set,
            )
        held_until = await self.pacer.read_hold()
        async with self.database.connection() as connection:
            await sweeps.complete_campaigns(connection)
            await sweeps.tell_waiting(connection, held_until=held_until)

    async def _prepare_forgotten(self) -> None:
        async with self.database.connection() as connection:
            unprepared = await sweeps.find_unprepared(connection)
        for school_id, campaign_id in unprepared:
            await self.prepare(school_id, campaign_id)

    async def _retry_failed(self) -> None:
        async with self.database.connection() as connection:
            retried = await find_retried(connection)
        if not retried:
            return
        rate = await self.pacer.read_rate()
        for school_id, campaign_id in retried:
            is_more = True
            while is_more:
                async with self.database.connection() as connection:
                    is_more = await put_back_some(
                        connection, school_id, campaign_id, batch_size=rate.largest_call
                    )
                self.deliverer.wake()
