"""The account's sending rate, shared by all workers: one schedule of slots in Redis (GCRA).

Each call reserves the next free slot and waits for it, so calls are spaced evenly instead of coming in
bursts: in no second are more recipients handed off than the rate, whatever the number of workers.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog

from app.mail.ses import QuotaUnavailable, SesMail

HEADROOM = 0.98
"""Share of the rate that is used: the rest keeps jitter between us and SES from crossing the limit."""
LARGEST_CALL = 50
REFRESH_SECONDS = 60.0
log = structlog.get_logger(__name__)

_RESERVE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local cost = tonumber(ARGV[1]) * 1000000 / tonumber(ARGV[2])
redis.call('SET', KEYS[1], string.format('%.0f', free + cost), 'PX', 600000)
return string.format('%.0f', free - now)
"""
_GIVE_BACK = """
local free = redis.call('GET', KEYS[1])
if free then
    local cost = tonumber(ARGV[1]) * 1000000 / tonumber(ARGV[2])
    redis.call('SET', KEYS[1], string.format('%.0f', tonumber(free) - cost), 'PX', 600000)
end
return 0
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """Recipients a second, as the account allows and as we use it."""

    allowed: float

    @property
    def used(self) -> float:
        """The rate that calls are spaced for."""
        return self.allowed * HEADROOM

    @property
    def largest_call(self) -> int:
        """The most recipients in one call: SES's limit, and never more than a second's worth."""
        return max(1, min(LARGEST_CALL, int(self.allowed)))


class Pacer:
    """Hands out turns to call SES. Needs Redis; its errors reach the caller."""

    def __init__(
        self, redis: Any, mail: SesMail, *, override: float | None, key: str = "campaigns:pace"
    ) -> None:  # redis-py's client is generic only in its stubs
        self._redis = redis
        self._mail = mail
        self._override = override
        self._key = key
        self._rate: Rate | None = Rate(override) if override else None
        self._read_at = float("-inf")

    async def read_rate(self) -> Rate | None:
        """Return the rate, read from the account at most once a minute; None while it is not known."""
        loop = asyncio.get_running_loop()
        if self._override is None and loop.time() - self._read_at > REFRESH_SECONDS:
            try:
                quota = await self._mail.get_quota()
                self._rate, self._read_at = Rate(max(quota.max_send_rate, 1.0)), loop.time()
            except QuotaUnavailable as error:
                log.warning("the account's quota is not known", error=str(error))
        return self._rate

    async def take(self, recipients: int, rate: Rate) -> None:
        """Wait for the turn of a call to this many recipients."""
        wait = int(await self._redis.eval(_RESERVE, 1, self._key, recipients, rate.used))
        if wait > 0:
            await asyncio.sleep(wait / 1_000_000)

    async def give_back(self, recipients: int, rate: Rate) -> None:
        """Return what was reserved and not used."""
        if recipients > 0:
            await self._redis.eval(_GIVE_BACK, 1, self._key, recipients, rate.used)

    async def slow_down(self, rate: Rate, *, seconds: float) -> None:
        """Keep every worker from calling for a while: SES has said it is too much."""
        await self._redis.eval(_RESERVE, 1, self._key, rate.used * seconds, rate.used)
