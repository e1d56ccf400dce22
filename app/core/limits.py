"""Rate limits in Redis: one round trip a request, the same for all processes; without Redis, no limit.

GCRA (the generic cell rate algorithm, ITU-T I.371 annex A): a bucket is one number, the instant at which it
would be full again. `most` requests may come at once, and as many a minute in the long run.
"""

import asyncio
import hashlib
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil
from typing import Any

import structlog
from redis.exceptions import RedisError

from app.core.redis import connect_redis

PERIOD_SECONDS = 60
PATIENCE_SECONDS = 0.5
AWAY_SECONDS = 5.0
"""How long Redis is not asked again after it did not answer."""
PREFIX = "campaigns:limit:"
log = structlog.get_logger(__name__)

# In microseconds, all of them whole numbers: Lua's are exact up to 2^53.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval = math.floor(ARGV[2] / ARGV[1])
local period = interval * ARGV[1]
local full = tonumber(redis.call('GET', KEYS[1]) or now)
if full < now then full = now end
if full + interval - period > now then
    return {-1, full - now, full + interval - period - now}
end
full = full + interval
redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
return {math.floor((period - (full - now)) / interval), full - now, 0}
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may go on, and what its sender is told; instants in whole seconds from now."""

    limit: int
    remaining: int
    reset: int
    retry_after: int
    is_allowed: bool

    @property
    def headers(self) -> dict[str, str]:
        """The fields of draft-ietf-httpapi-ratelimit-headers-06, section 5: `Reset` counts seconds.

        Later drafts pack the same into `RateLimit` and `RateLimit-Policy`, as structured fields; clients in
        use today read these.
        """
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


class Limiter:
    """Counts requests by bucket, whose name is a keyed hash: Redis learns no credential and no address."""

    def __init__(self, redis_url: str, *, secret: str) -> None:
        self._redis = connect_redis(redis_url)
        self._script: Any = self._redis.register_script(_TAKE)
        self._secret = hashlib.sha256(b"limits" + secret.encode()).digest()
        self._away_until = float("-inf")
        self._is_away = False

    async def take(self, kind: str, owner: bytes, *, most: int) -> Verdict | None:
        """Count a request; None where there is no limit, or nobody to ask.

        `kind` is what is limited, `owner` whose it is, `most` the requests a minute; 0 is no limit.
        """
        if not most or asyncio.get_running_loop().time() < self._away_until:
            return None
        digest = hashlib.blake2b(kind.encode() + b"\0" + owner, key=self._secret, digest_size=16).hexdigest()
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                answer = await self._script([PREFIX + digest], [most, PERIOD_SECONDS * 1_000_000])
        except (RedisError, OSError, TimeoutError) as error:
            self._note_away(error)
            return None
        self._note_back()
        left, reset, wait = (int(each) for each in answer)
        return Verdict(
            limit=most,
            remaining=max(left, 0),
            reset=ceil(reset / 1_000_000),
            retry_after=ceil(wait / 1_000_000),
            is_allowed=left >= 0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _note_away(self, error: Exception) -> None:
        self._away_until = asyncio.get_running_loop().time() + AWAY_SECONDS
        if not self._is_away:
            self._is_away = True
            log.warning("requests are not limited: Redis is away", error=type(error).__name__)

    def _note_back(self) -> None:
        if self._is_away:
            self._is_away = False
            log.info("requests are limited again")


def name_client(address: str) -> bytes:
    """Return whom an address stands for: itself, or the /64 that one holder of IPv6 addresses is given."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address.encode()
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return parsed.ipv4_mapped.packed
        return parsed.packed[:8]
    return parsed.packed
