"""The whole examination, in the order in which one thing rests on another."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from app.core.config import Settings
from app.core.db import Database, is_disconnect
from app.core.diagnosis import Diagnosis, Verdict, find_wrong
from app.core.redis import connect_redis
from app.delivery.pacing import read_pace
from app.operations.doctor.counters import OnProgress, examine_counters
from app.operations.doctor.database import (
    examine_partitions,
    examine_role,
    examine_schema,
    examine_server,
)
from app.operations.doctor.events import examine_parked
from app.operations.doctor.work import examine_calls, examine_campaigns, examine_queue
from app.operations.doctor.workers import examine_redis


@dataclass(frozen=True, slots=True)
class Examination:
    """How thorough to be: `quick` leaves the recount out, `repair` mends what it finds."""

    quick: bool = False
    repair: bool = False


async def examine_deployment(
    settings: Settings, how: Examination, *, on_progress: OnProgress
) -> AsyncIterator[Diagnosis]:
    """Look at everything, and tell each thing as it is known."""
    database = Database(settings, name="campaigns-doctor")
    redis = connect_redis(settings.redis_url)
    try:
        for each in await examine_redis(redis):
            yield each
        async for each in _examine_database(database, redis, settings, how, on_progress):
            yield each
    except Exception as error:
        if not is_disconnect(error):
            raise
        remedy = "Start it, or correct CAMPAIGNS_DATABASE_URL."
        yield find_wrong("PostgreSQL", f"away: {type(error).__name__}", remedy)
    finally:
        await redis.aclose()
        await database.close()


async def _examine_database(
    database: Database, redis: Any, settings: Settings, how: Examination, on_progress: OnProgress
) -> AsyncIterator[Diagnosis]:
    async with database.connection() as connection:
        for each in await examine_server(connection):
            yield each
    schema = await examine_schema(database)
    yield schema
    if schema.verdict is Verdict.WRONG:
        return  # what follows reads tables that may not be there
    is_held = await _read_hold(redis)
    async with database.connection() as connection:
        yield await examine_role(connection)
        for each in await examine_partitions(connection):
            yield each
        yield await examine_queue(connection, is_held=is_held)
        for each in await examine_calls(connection, reconcile_seconds=settings.reconcile_after_seconds):
            yield each
        for each in await examine_campaigns(connection):
            yield each
        yield await examine_parked(connection)
    if not how.quick:
        for each in await examine_counters(database, repair=how.repair, on_progress=on_progress):
            yield each


async def _read_hold(redis: Any) -> bool:
    try:
        return (await read_pace(redis)).is_held
    except (RedisError, OSError):
        return False
