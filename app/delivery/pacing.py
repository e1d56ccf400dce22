"""The account's sending rate, shared by all workers: one schedule of slots in Redis (GCRA).

Each call reserves the next free slot and waits for it, so calls are spaced evenly instead of coming in
bursts: in no second are more recipients handed off than the rate, whatever the number of workers.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog
from redis.exceptions import RedisError

from app.mail.ses import QuotaUnavailable, SesMail

HEADROOM = 0.98
"""Share of the rate that is used: the rest keeps jitter between us and SES from crossing the limit."""
LARGEST_CALL = 50
LARGEST_SHARE = 0.05
"""One call is at most this share of a second's worth: one that slips into the next second changes little."""
REFRESH_SECONDS = 45.0
RETRY_SECONDS = 5.0
log = structlog.get_logger(__name__)

_RESERVE = """
if redis.call('EXISTS', KEYS[2]) == 1 then return '-1' end
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
_SLOW_DOWN = """
local time = redis.call('TIME')
local earliest = time[1] * 1000000 + time[2] + tonumber(ARGV[1]) * 1000000
local free = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), earliest)
redis.call('SET', KEYS[1], string.format('%.0f', free), 'PX', 600000)
return 0
"""


@dataclass(frozen=True, slots=True)
class Rate:
    """Recipients a second, as the account allows and as we use it."""

    allowed: float
    known: bool = True

    @property
    def used(self) -> float:
        """The rate that calls are spaced for."""
        return self.allowed * HEADROOM

    @property
    def largest_call(self) -> int:
        """The most recipients in one call: SES's limit, and never more than a small share of a second's."""
        if not self.known:
            return LARGEST_CALL
        return max(1, min(LARGEST_CALL, int(self.allowed * LARGEST_SHARE)))


SLOWEST = Rate(1.0, known=False)
"""Used until the account tells its own, which is never less. A call that is refused then says why."""


class Pacer:
    """Hands out turns to call SES. A turn needs Redis, and its errors reach the caller."""

    def __init__(
        self, redis: Any, mail: SesMail, *, override: float | None, key: str = "campaigns:pace"
    ) -> None:
        self._redis = redis
        self._mail = mail
        self._override = override
        self._slots = key
        self._held = f"{key}:held"
        self._rate = Rate(override) if override else SLOWEST
        self._read_next_at = float("-inf")

    async def read_rate(self) -> Rate:
        """Return the rate, asked of the account once in a while; the last known while it does not answer."""
        loop = asyncio.get_running_loop()
        if self._override is None and loop.time() > self._read_next_at:
            self._read_next_at = loop.time() + RETRY_SECONDS
            try:
                quota = await self._mail.get_quota()
            except QuotaUnavailable as error:
                log.warning("the account's quota is not known", error=str(error))
            else:
                self._rate = Rate(max(quota.max_send_rate, 1.0))
                self._read_next_at = loop.time() + REFRESH_SECONDS
        return self._rate

    async def reserve(self, recipients: int, rate: Rate) -> float | None:
        """Reserve a call to this many recipients; return the seconds to wait for it, None while held."""
        answer = await self._redis.eval(_RESERVE, 2, self._slots, self._held, recipients, rate.used)
        wait = int(answer)
        return None if wait < 0 else wait / 1_000_000

    async def give_back(self, recipients: int, rate: Rate) -> None:
        """Return what was reserved and not used; less than nothing charges what was used beyond it."""
        if recipients:
            await self._tell(_GIVE_BACK, 1, self._slots, recipients, rate.used)

    async def slow_down(self, *, seconds: float) -> None:
        """Keep every worker from calling for a while: SES has said it is too much."""
        await self._tell(_SLOW_DOWN, 1, self._slots, seconds)

    async def hold(self, *, seconds: float) -> None:
        """Let nobody reserve for a while: the account's daily quota is used up."""
        try:
            await self._redis.set(self._held, 1, px=int(seconds * 1000))
        except RedisError as error:
            log.warning("sending was not held", error=type(error).__name__)

    async def _tell(self, script: str, *arguments: Any) -> None:
        """Run a script that only adjusts the schedule: mail that was handed off must not wait for Redis."""
        try:
            await self._redis.eval(script, *arguments)
        except RedisError as error:
            log.warning("the pace was not adjusted", error=type(error).__name__)
