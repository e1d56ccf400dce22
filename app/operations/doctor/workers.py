"""Redis, and whether any worker lives: it says so there."""

from typing import Any

from redis.exceptions import RedisError

from app.core.diagnosis import Diagnosis, find_notable, find_well, find_wrong
from app.core.queue import HEALTH_KEY

OLDEST_VERSION = (6, 2)
_REACH = "Start it, or correct CAMPAIGNS_REDIS_URL; nothing is lost, but no mail goes out meanwhile."


async def examine_redis(redis: Any) -> list[Diagnosis]:
    """Look at Redis, and for the sign of life that workers leave there."""
    try:
        info = await redis.info()
        lives = await redis.exists(HEALTH_KEY)
    except (RedisError, OSError) as error:
        return [find_wrong("Redis", f"away: {type(error).__name__}", _REACH)]
    found = [_judge_server(info)]
    if lives:
        found.append(find_well("workers", "at least one lives"))
    else:
        found.append(find_wrong("workers", "none has given a sign of life", "Start one: campaigns worker."))
    return found


def _judge_server(info: dict[str, Any]) -> Diagnosis:
    version = str(info["redis_version"])
    if tuple(map(int, version.split(".")[:2])) < OLDEST_VERSION:
        return find_wrong("Redis", f"version {version}", "Move to 6.2 or newer.")
    if int(info.get("maxmemory", 0)) and info.get("maxmemory_policy") != "noeviction":
        words = f"version {version}, evicts keys when it is full ({info['maxmemory_policy']})"
        return find_notable("Redis", words, "Set maxmemory-policy to noeviction: it keeps no cache.")
    return find_well("Redis", f"version {version}")
