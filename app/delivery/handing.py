"""Hand off one batch: claim it, say it to SES, settle what came of it, whatever goes wrong in between."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import structlog

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database, is_contention, is_disconnect
from app.core.group_commit import GroupCommit
from app.core.metrics import CALL_SECONDS, COMMIT_ITEMS, HANDOFFS
from app.core.signing import Signer
from app.delivery.claiming import Claim
from app.delivery.claims import Claims
from app.delivery.composing import Letters, compose_batch
from app.delivery.fairness import Turn
from app.delivery.pacing import Pacer, Rate
from app.delivery.settlement import QUOTA_DELAY, Settlement, put_back, settle
from app.delivery.settling import write_settlements
from app.mail.ses import SesMail
from app.mail.types import Outcome, OutcomeKind, OutgoingBatch

CALL_WITHIN_SECONDS = 1.5
"""How old the claim may be when the call begins: a pause takes effect within 2 s, and a process that was
frozen must not call late."""
LEASE_MARGIN_SECONDS = 1.0
"""A call ends this long before its lease does: nobody may take its batch for lost while it goes on."""
THROTTLE_SECONDS = 0.5
RETRY_SECONDS = 0.5
_HANDOFFS = {kind: HANDOFFS.labels(kind) for kind in OutcomeKind}
_CALLS_WRITTEN = COMMIT_ITEMS.labels("calls")
log = structlog.get_logger(__name__)


class Handoff:
    """Hands off batches, many at once; their settlements are committed in groups."""

    def __init__(self, *, database: Database, mail: SesMail, pacer: Pacer, settings: Settings) -> None:
        self._database = database
        self._mail = mail
        self._pacer = pacer
        self._settings = settings
        self._signer = Signer(settings.secret_keys)
        self._letters = Letters()
        self._claims = Claims(database, lease_seconds=settings.lease_seconds)
        # Two: while one's rows travel, PostgreSQL works on the other's.
        self._settlements = GroupCommit(self._write, most=32, side_by_side=2)

    async def send_batch(self, turn: Turn, rate: Rate) -> bool:
        """Hand off the next batch of a campaign, a turn being reserved for it; False when it has none."""
        request = await self._claims.ask(turn, largest=rate.largest_call)
        claim = request.claim
        if claim is None:
            await self._pacer.give_back(rate.largest_call, rate)
            return False
        # Side by side: between claim and call nothing may wait for Redis.
        await asyncio.gather(
            self._call_and_settle(claim, request.claimed_at),
            self._pacer.give_back(rate.largest_call - len(claim.addressees), rate),
        )
        return True

    async def _call_and_settle(self, claim: Claim, claimed_at: float) -> None:
        settlement = await self._call(claim, claimed_at)
        if settlement.wait:
            await self._pacer.hold(seconds=QUOTA_DELAY)
        await self._record(settlement)
        if settlement.throttled:
            await self._pacer.slow_down(seconds=THROTTLE_SECONDS)

    async def _call(self, claim: Claim, claimed_at: float) -> Settlement:
        if not claim.addressees:
            return Settlement(claim, ())
        try:
            batch = await self._compose(claim)
        except Exception as error:
            if is_disconnect(error):
                return put_back(claim)
            log.exception("a message cannot be composed", campaign_id=str(claim.campaign_id))
            return put_back(claim, halt="The message could not be composed: a fault of the product.")
        if asyncio.get_running_loop().time() > claimed_at + CALL_WITHIN_SECONDS:
            log.warning("a claim was too old to call under", batch=claim.batch)
            return put_back(claim)
        outcomes = await self._say(
            batch, until=claimed_at + self._settings.lease_seconds - LEASE_MARGIN_SECONDS
        )
        return settle(claim, outcomes, at=now(), chance=random.Random())  # noqa: S311  # jitter

    async def _compose(self, claim: Claim) -> OutgoingBatch:
        letter = self._letters.find(claim.campaign_id)
        if letter is None:
            async with self._database.connection() as connection:
                letter = await self._letters.read(connection, claim.school_id, claim.campaign_id)
        return compose_batch(letter, claim, signer=self._signer, public_url=self._settings.public_url)

    async def _say(self, batch: OutgoingBatch, *, until: float) -> Sequence[Outcome]:
        try:
            with CALL_SECONDS.time():
                async with asyncio.timeout_at(until):
                    outcomes: Sequence[Outcome] = await self._mail.send_batch(batch)
        except TimeoutError:
            late = Outcome(
                OutcomeKind.UNKNOWN, code="lease_ended", detail="SES did not answer within the lease"
            )
            outcomes = [late] * len(batch.emails)
        for kind, times in Counter(outcome.kind for outcome in outcomes).items():
            _HANDOFFS[kind].inc(times)
        return outcomes

    async def _record(self, settlement: Settlement) -> None:
        """Write what came of a call, however long PostgreSQL is away: even a late word proves acceptance."""
        while True:
            try:
                return await self._settlements.submit(settlement)
            except Exception as error:
                if not (is_disconnect(error) or is_contention(error)):
                    raise
                log.warning("a settlement waits", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)

    async def _write(self, settlements: Sequence[Settlement]) -> None:
        async with self._database.keyed_connection() as connection:
            await write_settlements(connection, settlements)
        _CALLS_WRITTEN.observe(len(settlements))
