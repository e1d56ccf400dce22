"""The worker: arq runs the jobs; a supervisor keeps it going while Redis or PostgreSQL are away."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import structlog
from arq import cron
from arq.connections import create_pool
from arq.worker import Worker, func
from redis.exceptions import RedisError

from app.core.collector import collect_less_often
from app.core.config import Settings
from app.core.db import Database, is_disconnect
from app.core.metrics import add_up
from app.core.queue import (
    HEALTH_KEY,
    HEALTH_SECONDS,
    QUEUE_NAME,
    deserialize_job,
    redis_settings,
    serialize_job,
)
from app.core.redis import connect_redis
from app.delivery.jobs import Delivery
from app.delivery.pacing import Pacer
from app.delivery.sending import Deliverer
from app.feedback.jobs import retry_parked_events
from app.mail.ses import SesMail
from app.operations.housekeeping import tidy_up
from app.tracking.jobs import Tracking

PAUSE_SECONDS = 1.0
log = structlog.get_logger(__name__)


async def prepare_campaign(ctx: dict[str, Any], school_id: str, campaign_id: str) -> None:
    """Job: freeze a campaign's recipients and begin to send."""
    await ctx["delivery"].prepare(UUID(school_id), UUID(campaign_id))


async def deliver_campaign(ctx: dict[str, Any], *_: str) -> None:
    """Job: hand off what is due."""
    ctx["delivery"].deliverer.wake()


async def sweep(ctx: dict[str, Any]) -> None:
    """Cron, every second on every worker: do whatever is due by state."""
    await ctx["delivery"].sweep()


async def retry_parked(ctx: dict[str, Any]) -> None:
    """Cron: apply the events that could not be applied when they came."""
    await retry_parked_events(ctx["delivery"].database)


async def apply_backlog(ctx: dict[str, Any]) -> None:
    """Cron: record the opens and clicks that came while PostgreSQL was away."""
    await ctx["tracking"].apply_backlog()


async def keep_links(ctx: dict[str, Any]) -> None:
    """Cron: keep the links of campaigns under way, for clicks while PostgreSQL is away."""
    await ctx["tracking"].keep_links()


async def keep_house(ctx: dict[str, Any]) -> None:
    """Cron, once a day and at the start: make the history's partitions ahead, drop what is too old."""
    delivery: Delivery = ctx["delivery"]
    await tidy_up(delivery.database, delivery.settings)


@asynccontextmanager
async def open_delivery(settings: Settings) -> AsyncIterator[Delivery]:
    """Open what sending needs, and close it after the calls in flight are recorded."""
    database = Database(settings, name="campaigns-worker")
    redis = connect_redis(settings.redis_url)
    async with SesMail(settings.ses_configuration_set, max_connections=settings.calls_in_flight) as mail:
        pacer = Pacer(redis, mail, override=settings.ses_max_send_rate)
        deliverer = Deliverer(database=database, mail=mail, pacer=pacer, settings=settings)
        deliverer.start()
        try:
            async with add_up(redis):
                try:
                    yield Delivery(database, settings, pacer, deliverer)
                finally:
                    await deliverer.close()
        finally:
            await redis.aclose()
            await database.close()


async def run_worker(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; calls in flight finish and are recorded before it returns."""
    collect_less_often()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    async with open_delivery(settings) as delivery, connect_redis(settings.redis_url) as redis:
        log.info("worker started")
        context = {"delivery": delivery, "tracking": Tracking(delivery.database, redis)}
        while not stop.is_set():
            await _run_arq(settings, context, stop)
    log.info("worker stopped")


async def _run_arq(settings: Settings, context: dict[str, Any], stop: asyncio.Event) -> None:
    """Run arq until told to stop, or until it dies of a Redis that is away; then pause a moment."""
    stopping = asyncio.create_task(stop.wait())
    try:
        worker = await _make_worker(settings, context)
        running = asyncio.create_task(worker.async_run())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            context["delivery"].deliverer.stop()
        if not running.done():
            running.cancel()
        error = (await asyncio.gather(running, return_exceptions=True))[0]
        with suppress(asyncio.CancelledError):  # of a job that had not begun
            await worker.close()
        if isinstance(error, Exception):
            raise error
    except (RedisError, OSError) as error:
        log.warning("waiting for Redis", error=type(error).__name__)
        await asyncio.wait({stopping}, timeout=PAUSE_SECONDS)
    finally:
        stopping.cancel()


async def _make_worker(settings: Settings, context: dict[str, Any]) -> Worker:
    pool = await create_pool(
        redis_settings(settings.redis_url),
        job_serializer=serialize_job,
        job_deserializer=deserialize_job,
        default_queue_name=QUEUE_NAME,
    )
    every: dict[str, Any] = {"timeout": 300, "keep_result": 0, "max_tries": 1}
    jobs = (prepare_campaign, deliver_campaign)
    return Worker(
        functions=[func(_guarded(job), name=job.__name__, **every) for job in jobs],
        cron_jobs=[
            cron(_guarded(sweep), name="sweep", second=set(range(60)), unique=False, **every),
            cron(_guarded(retry_parked), name="retry_parked", second=set(range(0, 60, 2)), **every),
            cron(_guarded(apply_backlog), name="apply_backlog", second=set(range(60)), **every),
            cron(_guarded(keep_links), name="keep_links", second=set(range(1, 60, 2)), unique=False, **every),
            cron(_guarded(keep_house), name="keep_house", hour=3, minute=7, run_at_startup=True, **every),
        ],
        redis_pool=pool,
        queue_name=QUEUE_NAME,
        health_check_key=HEALTH_KEY,
        health_check_interval=HEALTH_SECONDS,
        handle_signals=False,
        poll_delay=0.1,
        max_jobs=20,
        log_results=False,
        job_serializer=serialize_job,
        job_deserializer=deserialize_job,
        ctx=dict(context),
    )


def _guarded(job: Any) -> Any:  # arq's coroutines are untyped
    """Let a job end quietly when a service is away: the next sweep does its work."""

    async def run(ctx: dict[str, Any], *ids: str) -> None:
        try:
            await job(ctx, *ids)
        except Exception as error:
            if not (is_disconnect(error) or isinstance(error, RedisError)):
                raise
            log.warning("a service is away", job=job.__name__, error=type(error).__name__)

    return run
