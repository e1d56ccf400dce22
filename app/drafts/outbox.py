"""Handing test messages to SES: at the account's rate, which the workers' calls share."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import structlog
from redis.exceptions import RedisError

from app.core.config import Settings
from app.core.redis import connect_redis
from app.delivery.pacing import Pacer, Rate
from app.mail.ses import SesMail
from app.mail.types import Outcome, OutcomeKind, SingleEmail

LONGEST_WAIT_SECONDS = 20.0
"""Somebody is waiting for the answer, and proxies between wait no longer than a minute."""
_BUSY = Outcome(OutcomeKind.RETRY, code="rate_taken")
_UNPACED = Outcome(OutcomeKind.RETRY, code="pace_unknown")
_HELD = Outcome(OutcomeKind.QUOTA, code="sending_held")
log = structlog.get_logger(__name__)


@asynccontextmanager
async def open_outbox(settings: Settings) -> AsyncIterator["Outbox"]:
    """Open SES; raises what botocore does where it is not told enough."""
    redis = connect_redis(settings.redis_url)
    async with SesMail(settings.ses_configuration_set) as mail:
        try:
            yield Outbox(mail, Pacer(redis, mail, override=settings.ses_max_send_rate))
        finally:
            await redis.aclose()


class Outbox:
    """Hands single emails to SES, each in its turn."""

    def __init__(self, mail: SesMail, pacer: Pacer) -> None:
        self._mail = mail
        self._pacer = pacer

    async def send(self, emails: Sequence[SingleEmail]) -> Sequence[Outcome]:
        """Hand each email to SES once, no faster than the account allows; one outcome for each, in order."""
        rate = await self._pacer.read_rate()
        try:
            # One turn for each: a turn for all would let them go in one burst.
            waits = [await self._pacer.reserve(1, rate) for _ in emails]
        except RedisError as error:
            log.warning("the pace is not known", error=type(error).__name__)
            return [_UNPACED] * len(emails)
        turns = (self._take(email, wait, rate) for email, wait in zip(emails, waits, strict=True))
        return await asyncio.gather(*turns)

    async def _take(self, email: SingleEmail, wait: float | None, rate: Rate) -> Outcome:
        if wait is None:
            return _HELD
        if wait > LONGEST_WAIT_SECONDS:
            await self._pacer.give_back(1, rate)
            return _BUSY
        await asyncio.sleep(wait)
        return await self._mail.send_single(email)
