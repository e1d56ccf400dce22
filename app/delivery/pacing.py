"""The account's sending rate and daily quota, shared by all workers in Redis.

The rate is one schedule of slots (GCRA). Each call reserves the next free slot and waits for it, so calls are
spaced evenly instead of coming in bursts: in no second are more recipients handed off than the rate, whatever
the number of workers. Of the quota, what the account said was left is kept, and how many recipients were
reserved since, counted in spans of seconds.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from app.delivery.pace_scripts import GIVE_BACK, NOTE_QUOTA, RESERVE, SLOW_DOWN, TELL_RATE
from app.mail.types import QuotaUnavailable, SendingQuota

if TYPE_CHECKING:  # the API reads the pace too, and starts without AWS's SDK
    from app.mail.ses import SesMail

KEY = "campaigns:pace"
HEADROOM = 0.98
"""Share of the rate that is used: the rest keeps jitter between us and SES from crossing the limit."""
LARGEST_CALL = 50
LARGEST_SHARE = 0.025
"""One call is at most this share of a second's worth: a few that slip into the next second change little."""
REFRESH_SECONDS = 45.0
RETRY_SECONDS = 5.0
OVERLAP_SECONDS = 15
"""What was reserved so long before the account was asked may not be in its answer: a call lasts up to 9 s."""
DAY_HOLD_SECONDS = 60
"""How long nobody sends when the quota is used up: longer than OVERLAP_SECONDS, so that nothing counts twice
then, and than REFRESH_SECONDS, so that everybody asks the account anew."""
QUOTA_KEPT_SECONDS = 300
"""Where the account has not answered for so long, its own refusal tells when the quota is used up."""
log = structlog.get_logger(__name__)


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
"""Used while nobody knows the account's, which is never less. A call that is refused then says why."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What the account allows, 0 while no worker knows; how long a call that asks now waits, in seconds."""

    allowed: float
    wait: float
    is_held: bool


async def read_pace(redis: Any, *, key: str = KEY) -> Pace:
    """Return the pace as all workers keep it; raises what Redis does."""
    seconds, microseconds = await redis.time()
    free, allowed, held = await redis.mget(key, f"{key}:allowed", f"{key}:held")
    wait = float(free or 0) / 1_000_000 - seconds - microseconds / 1_000_000
    return Pace(float(allowed or 0), max(0.0, wait), held is not None)


class Pacer:
    """Hands out turns to call SES. A turn needs Redis, and its errors reach the caller."""

    def __init__(self, redis: Any, mail: "SesMail", *, override: float | None, key: str = KEY) -> None:
        self._redis = redis
        self._mail = mail
        self._override = override
        self._slots = key
        self._held = f"{key}:held"
        self._day = f"{key}:day"
        self._reserved = f"{key}:reserved"
        self._allowed = f"{key}:allowed"
        self._rate = Rate(override) if override else SLOWEST
        self._read_next_at = float("-inf")

    async def read_rate(self) -> Rate:
        """Return the rate, asked of the account once in a while; the last known while it does not answer.

        With the rate comes what is left of the daily quota, which all workers are told. One that was never
        answered goes by what another was told.
        """
        loop = asyncio.get_running_loop()
        if loop.time() > self._read_next_at:
            self._read_next_at = loop.time() + RETRY_SECONDS
            asked_at = await self._read_time()
            try:
                quota = await self._mail.get_quota()
            except QuotaUnavailable as error:
                log.warning("the account's quota is not known", error=str(error))
                await self._hear_rate()
            else:
                self._rate = Rate(self._override or max(quota.max_send_rate, 1.0))
                self._read_next_at = loop.time() + REFRESH_SECONDS
                await self._note_quota(quota, asked_at)
            if self._rate.known:
                await self._tell_rate()
        return self._rate

    async def reserve(self, recipients: int, rate: Rate) -> float | None:
        """Reserve a call to this many recipients; return the seconds to wait for it.

        None while all sending is held, or when they would pass the daily quota: it is held then.
        """
        keys = (self._slots, self._held, self._day, self._reserved)
        answer = await self._redis.eval(RESERVE, len(keys), *keys, recipients, rate.used, DAY_HOLD_SECONDS)
        wait = int(answer)
        return None if wait < 0 else wait / 1_000_000

    async def give_back(self, recipients: int, rate: Rate) -> None:
        """Return what was reserved and not used; less than nothing charges what was used beyond it."""
        if recipients:
            await self._tell(GIVE_BACK, 3, self._slots, self._day, self._reserved, recipients, rate.used)

    async def slow_down(self, *, seconds: float) -> None:
        """Keep every worker from calling for a while: SES has said it is too much."""
        await self._tell(SLOW_DOWN, 1, self._slots, seconds)

    async def hold(self, *, seconds: float) -> None:
        """Let nobody reserve for a while: the account's daily quota is used up."""
        try:
            until = (await self._redis.time())[0] + int(seconds)
            await self._redis.set(self._held, until, px=int(seconds * 1000))
        except RedisError as error:
            log.warning("sending was not held", error=type(error).__name__)

    async def read_hold(self) -> datetime | None:
        """Return until when nobody may reserve; None when they may, or Redis is away."""
        try:
            until = await self._redis.get(self._held)
        except RedisError:
            return None
        return datetime.fromtimestamp(int(until), UTC) if until else None

    async def _read_time(self) -> int | None:
        try:
            return int((await self._redis.time())[0])
        except RedisError:
            return None

    async def _note_quota(self, quota: SendingQuota, asked_at: int | None) -> None:
        if asked_at is None:
            return
        is_limited = quota.max_24_hours >= 0
        left = max(0, int(quota.max_24_hours - quota.sent_last_24_hours)) if is_limited else -1
        since = (asked_at - OVERLAP_SECONDS) // 5 * 5
        await self._tell(NOTE_QUOTA, 2, self._day, self._reserved, left, since, QUOTA_KEPT_SECONDS)

    async def _tell_rate(self) -> None:
        """Let the other workers and those who watch know the rate.

        The first to know it ends the waiting for slots that were spaced for the slowest.
        """
        call_seconds = self._rate.largest_call / self._rate.used
        arguments = (self._rate.allowed, QUOTA_KEPT_SECONDS, call_seconds)
        await self._tell(TELL_RATE, 2, self._slots, self._allowed, *arguments)

    async def _hear_rate(self) -> None:
        """Go by the rate that another worker was told, where this one was never told any."""
        if not self._rate.known:
            with suppress(RedisError):
                if allowed := await self._redis.get(self._allowed):
                    self._rate = Rate(float(allowed))

    async def _tell(self, script: str, *arguments: Any) -> None:
        """Run a script that only adjusts the schedule: mail that was handed off must not wait for Redis."""
        try:
            await self._redis.eval(script, *arguments)
        except RedisError as error:
            log.warning("the pace was not adjusted", error=type(error).__name__)
