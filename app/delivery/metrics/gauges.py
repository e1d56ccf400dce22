"""What is read when somebody looks: the work that waits in PostgreSQL, and the pace in Redis."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy.ext.asyncio import AsyncConnection

from app.campaigns.lifecycle import Status
from app.core.db import run_sql
from app.delivery.pacing import Pace

STATES = ("due", "calling", "unknown", "undecided")

# A part for each partial index: nothing that is over is looked at.
_BATCHES: Final = """
    SELECT 'due', count(*) FROM batches WHERE state = 'due'
    UNION ALL
    SELECT state, count(*) FROM batches WHERE state IN ('calling', 'unknown', 'undecided') GROUP BY state
"""
_AGES: Final = """
    SELECT
        (SELECT extract(epoch FROM now() - min(called_at)) FROM batches WHERE state = 'calling'),
        (
            SELECT extract(epoch FROM now() - min(next.not_before))
            FROM campaigns c
            CROSS JOIN LATERAL (
                SELECT b.not_before FROM batches b
                WHERE b.school_id = c.school_id AND b.campaign_id = c.id
                    AND b.state = 'due' AND b.not_before <= now()
                ORDER BY b.priority, b.number LIMIT 1
            ) AS next
            WHERE c.status = 'sending'
        )
"""
_UNKNOWN: Final = """
    SELECT coalesce(sum(k.unknown), 0)
    FROM campaign_counters k
    JOIN (
        SELECT DISTINCT school_id, campaign_id FROM batches WHERE state IN ('unknown', 'undecided')
    ) AS doubted USING (school_id, campaign_id)
"""
_CAMPAIGNS: Final = "SELECT status, count(*) FROM campaigns GROUP BY status"
_PARKED: Final = "SELECT count(*) FROM parked_events"
_HEARD: Final = "SELECT extract(epoch FROM max(last_event_at)) FROM configuration_sets"


@dataclass(frozen=True, slots=True)
class Ages:
    """Seconds: of the oldest call to SES that is not over, and how long mail whose turn it is has waited."""

    lease: float | None
    due: float | None


async def read_ages(connection: AsyncConnection) -> Ages:
    """Return how long the oldest work has been there; None where there is none."""
    ((lease, due),) = await run_sql(connection, _AGES)
    return Ages(*(None if age is None else float(age) for age in (lease, due)))


async def read_work(connection: AsyncConnection) -> list[Metric]:
    """Return what waits, and for how long: index look-ups that grow with the open work."""
    batches = await run_sql(connection, _BATCHES)
    ages = await read_ages(connection)
    ((unknown,),) = await run_sql(connection, _UNKNOWN)
    campaigns = await run_sql(connection, _CAMPAIGNS)
    ((parked,),) = await run_sql(connection, _PARKED)
    ((heard,),) = await run_sql(connection, _HEARD)
    return [
        _count("campaigns_batches", "Calls to SES to make or to settle.", "state", STATES, batches),
        _gauge(
            "campaigns_oldest_lease_seconds", "Age of the oldest call to SES that is not over.", ages.lease
        ),
        _gauge(
            "campaigns_oldest_due_batch_seconds", "How long the work whose turn it is has waited.", ages.due
        ),
        _gauge("campaigns_recipients_unknown", "Recipients of whom SES may have the mail.", unknown),
        _count("campaigns_campaigns", "Campaigns.", "status", list(Status), campaigns),
        _gauge("campaigns_parked_events", "Events of SES that could not be applied yet.", parked),
        _gauge(
            "campaigns_last_event_timestamp_seconds",
            "When SES last published an event, in Unix time; 0 before the first.",
            heard,
        ),
    ]


def make_pace(pace: Pace) -> list[Metric]:
    """Return how fast the account may send, and how far ahead its time is taken."""
    return [
        _gauge(
            "campaigns_sending_rate_recipients_per_second",
            "What the account, or the setting over it, allows; 0 while no worker knows.",
            pace.allowed,
        ),
        _gauge("campaigns_next_slot_seconds", "How long a call that asks now waits for its turn.", pace.wait),
        _gauge("campaigns_quota_hold", "1 while the account's daily quota is waited for.", pace.is_held),
    ]


def make_health(services: Mapping[str, bool]) -> Metric:
    """Return which services answer: what is theirs is missing meanwhile."""
    counts = [(name, int(is_up)) for name, is_up in services.items()]
    return _count("campaigns_service_up", "1 where the service answers.", "service", list(services), counts)


def _gauge(name: str, documentation: str, value: float | None) -> Metric:
    return GaugeMetricFamily(name, documentation, value=float(value or 0))


def _count(name: str, documentation: str, label: str, words: Iterable[str], rows: Sequence[Any]) -> Metric:
    counts = {row[0]: row[1] for row in rows}
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for word in words:
        family.add_metric([word], counts.get(word, 0))
    return family
