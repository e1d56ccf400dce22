"""What is left of the account's daily quota, as the workers keep it in Redis; and whether one lives."""

from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from app.core.queue import HEALTH_KEY
from app.delivery.pacing import KEY


async def read_quota(redis: Any) -> list[Metric]:
    """Return the gauges; no quota where the account has no limit, or no worker has asked for it lately."""
    left, since = await redis.hmget(f"{KEY}:day", "left", "since")
    reserved = await redis.hgetall(f"{KEY}:reserved")
    lives = await redis.exists(HEALTH_KEY)
    found: list[Metric] = [
        GaugeMetricFamily("campaigns_worker_up", "1 while at least one worker lives.", value=float(lives))
    ]
    if left is not None:
        used = sum(int(count) for second, count in reserved.items() if int(second) >= int(since))
        words = "Recipients that the account may still be sent to in its 24 hours."
        found.append(GaugeMetricFamily("campaigns_quota_left_recipients", words, value=int(left) - used))
    return found
