"""The whole simulator put together: one object that owns every part, and starts and stops them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from app.simulator.agenda import Agenda
from app.simulator.certificate import SigningCertificate, load_certificate
from app.simulator.faults import Faults
from app.simulator.ledger import Ledger
from app.simulator.mailbox import Mailbox
from app.simulator.outbound import Outbound
from app.simulator.quota import SendingQuota
from app.simulator.ses import Ses
from app.simulator.settings import LiveSettings, SimulatorSettings
from app.simulator.setup import SetUp
from app.simulator.signing import MessageSigner
from app.simulator.sns import Topic
from app.simulator.visitor import Visitor
from app.simulator.world import World

SUBSCRIBE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Pending:
    """Work not yet done: steps of the lives of emails, deliveries of SNS, deliveries held by a pause."""

    steps: int
    deliveries: int
    held: int


class Simulation:
    """An SES account, an SNS topic and a world of recipients, all in memory."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Build every part; nothing runs yet."""
        self.live = LiveSettings(settings)
        self.certificate: SigningCertificate = load_certificate(
            settings.certificate_dir, settings.certificate_id
        )
        self.signer = MessageSigner(self.certificate, settings.topic_arn, settings.region)
        self._webhook = settings.webhook
        self.faults = Faults()
        self.quota = SendingQuota()
        self.setup = SetUp(self.live)
        self.mailbox = Mailbox(settings.keep, settings.keep_limit)
        self.ledger = Ledger(settings.keep)
        self._outbound = Outbound()
        self._deliveries = Agenda(settings.sns_concurrency)
        self._steps = Agenda(settings.visit_concurrency)
        self.topic = Topic(self.live, self.signer, self._outbound, self._deliveries)
        visitor = Visitor(self.live, self.ledger, self._outbound)
        world = World(self.live, self.ledger, self.topic, visitor, self._steps)
        self.ses = Ses(
            self.live,
            faults=self.faults,
            quota=self.quota,
            mailbox=self.mailbox,
            ledger=self.ledger,
            world=world,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the world and the topic until the block ends."""
        async with self._outbound, asyncio.TaskGroup() as tasks:
            runners = [tasks.create_task(self._deliveries.run()), tasks.create_task(self._steps.run())]
            if self._webhook:
                # The topic tries again for minutes: the product may well start after us.
                runners.append(tasks.create_task(self._subscribe(self._webhook)))
            yield
            for runner in runners:
                runner.cancel()

    async def _subscribe(self, webhook: str) -> None:
        await self.topic.subscribe(webhook, SUBSCRIBE_SECONDS)

    def count_pending(self) -> Pending:
        """Return the work not yet done."""
        return Pending(self._steps.pending, self._deliveries.pending, self.topic.held)

    async def settle(self, timeout_seconds: float) -> bool:
        """Return True once no work is pending, False when the time is over; what a pause holds stays held."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while self._steps.pending or self._deliveries.pending:
                    await self._steps.wait_idle()
                    await self._deliveries.wait_idle()
        except TimeoutError:
            return False
        return True

    def reset(self) -> None:
        """Go back to the start; only the certificate and the subscriptions stay."""
        self._steps.clear()
        self._deliveries.clear()
        self.live.restore()
        self.faults.clear()
        self.topic.forget()
        self.mailbox.clear()
        self.ledger.clear()
        self.quota.clear()
        self.setup.clear()
