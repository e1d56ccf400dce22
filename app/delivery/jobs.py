"""The jobs of sending. Each may run twice, late, or on several workers at once: state decides, not the job."""

from dataclasses import dataclass
from uuid import UUID

from app.core.config import Settings
from app.core.db import Database
from app.delivery import sweeps
from app.delivery.pacing import Pacer
from app.delivery.planning import prepare_campaign
from app.delivery.sending import Deliverer


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a worker process needs to send."""

    database: Database
    settings: Settings
    pacer: Pacer
    deliverer: Deliverer

    async def prepare(self, school_id: UUID, campaign_id: UUID) -> None:
        """Freeze one campaign and begin to hand it off."""
        rate = await self.pacer.read_rate()
        if rate is None:
            return
        async with self.database.system_transaction() as session:
            await prepare_campaign(
                session, school_id=school_id, campaign_id=campaign_id, batch_size=rate.largest_call
            )
        self.deliverer.wake()

    async def sweep(self) -> None:
        """Do by state whatever is due: schedules, lost preparations, expired leases, evidence, completion."""
        async with self.database.connection() as connection:
            await sweeps.start_scheduled(connection, max_lateness_minutes=self.settings.max_lateness_minutes)
            await sweeps.expire_leases(connection)
        async with self.database.connection() as connection:
            await sweeps.settle_unknown(
                connection,
                reconcile_after=self.settings.reconcile_after_seconds,
                configuration_set=self.settings.ses_configuration_set,
            )
            unprepared = await sweeps.find_unprepared(connection)
        for school_id, campaign_id in unprepared:
            await self.prepare(school_id, campaign_id)
        async with self.database.connection() as connection:
            await sweeps.complete_campaigns(connection)
        self.deliverer.wake()
