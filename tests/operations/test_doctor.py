"""`campaigns doctor`: each thing that can be amiss is told, with what to do; the rest is ok."""

import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import make_url

from app.core.clock import now
from app.core.config import Settings
from app.core.db import Database
from app.core.diagnosis import Verdict
from app.core.queue import HEALTH_KEY
from app.core.redis import connect_redis
from app.operations.doctor.events import examine_parked
from app.operations.doctor.workers import examine_redis
from app.recipients.partitions import make_partitions
from tests.delivery.campaigns import claim_some, open_campaign
from tests.operations.examined import examine, pick, run_sql
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


@pytest.fixture(autouse=True)
async def redis(settings: Settings) -> AsyncIterator[Any]:
    """Redis, with a worker's sign of life in it."""
    client = connect_redis(settings.redis_url)
    await client.set(HEALTH_KEY, "here", ex=60)
    yield client
    await client.delete(HEALTH_KEY, "campaigns:pace:held")
    await client.aclose()


@pytest.fixture(autouse=True)
async def partitions(empty_database: Database) -> None:
    """The months that a worker makes when it starts, before any event."""
    async with empty_database.connection() as connection:
        await make_partitions(connection, today=now().date())


async def claim(database: Database, school: SchoolClient) -> None:
    """Have a call in flight, and a batch due."""
    await claim_some(database, await open_campaign(database, school, 2, batch_size=1))


async def test_a_deployment_at_work_is_well(
    settings: Settings, database: Database, school: SchoolClient
) -> None:
    await claim(database, school)
    found = await examine(settings)
    assert [each for each in found if each.verdict is not Verdict.OK] == []
    assert {each.subject for each in found} == {
        "Redis",
        "workers",
        "PostgreSQL",
        "schema",
        "tenant role",
        "partitions",
        "queue",
        "leases",
        "unknown outcomes",
        "campaigns",
        "parked events",
        "counters",
    }
    assert pick(found, "leases").finding.startswith("1 calls")
    assert "counters" not in {each.subject for each in await examine(settings, quick=True)}


PARK = """
    INSERT INTO parked_events (school_id, key, reason, event, received_at, tries)
    SELECT gen_random_uuid(), '\\x01', :reason, '{}', now() - interval '2 h', :tries
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is done to the database, and what must be said of it."""

    statement: str
    subject: str
    verdict: Verdict
    words: str


FAULTS = [
    [
        Fault(
            "UPDATE batches SET lease_until = now() - interval '5 min' WHERE state = 'calling'",
            "leases",
            Verdict.WRONG,
            "1 calls outlived",
        ),
        Fault(
            "UPDATE batches SET not_before = now() - interval '1 h' WHERE state = 'due'",
            "queue",
            Verdict.WRONG,
            "waits 3,60",
        ),
        Fault(
            "UPDATE campaigns SET status_reason = 'Waits for the quota.'",
            "campaigns",
            Verdict.NOTE,
            "waits: Waits for the quota.",
        ),
    ],
    [
        Fault(
            "UPDATE batches SET state = 'unknown', unknown_since = '2000-01-01' WHERE state = 'calling'",
            "unknown outcomes",
            Verdict.WRONG,
            "1 calls are unknown for longer",
        ),
        Fault(
            "UPDATE batches SET state = 'undecided' WHERE state = 'due'",
            "undecided",
            Verdict.NOTE,
            "1 recipients may have",
        ),
        Fault(
            "UPDATE campaigns SET status = 'paused', status_reason = 'SES: no'",
            "campaigns",
            Verdict.NOTE,
            "is paused: SES: no",
        ),
    ],
    [
        Fault(
            "UPDATE campaigns SET status = 'scheduled', scheduled_for = now() - interval '1 h'",
            "campaigns",
            Verdict.WRONG,
            "should have left the state scheduled",
        )
    ],
    [
        Fault(
            "UPDATE campaigns SET status = 'preparing', sent_at = now() - interval '1 h'",
            "campaigns",
            Verdict.WRONG,
            "should have left the state preparing",
        )
    ],
]


@pytest.mark.parametrize("faults", FAULTS)
async def test_work_that_is_stuck_is_told(
    settings: Settings, database: Database, school: SchoolClient, faults: list[Fault]
) -> None:
    await claim(database, school)
    for fault in faults:
        await run_sql(database, fault.statement)
    found = await examine(settings, quick=True)
    for fault in faults:
        diagnosis = pick(found, fault.subject)
        assert diagnosis.verdict is fault.verdict
        assert fault.words in diagnosis.finding
        assert diagnosis.remedy


@pytest.mark.parametrize(
    ("reason", "tries", "verdict", "words"),
    [
        ("names no known recipient", 3, Verdict.NOTE, "names no known recipient (1)"),
        ("failed to apply", 3, Verdict.WRONG, "failed to apply (1)"),
        ("cannot be read", 200, Verdict.NOTE, "1 only kept"),
    ],
)
async def test_events_that_are_parked_are_told(
    database: Database, reason: str, tries: int, verdict: Verdict, words: str
) -> None:
    await run_sql(database, PARK, reason=reason, tries=tries)
    async with database.connection() as connection:
        found = await examine_parked(connection)
    assert found.verdict is verdict
    assert words in found.finding
    assert found.remedy


async def test_the_quota_explains_a_queue(
    settings: Settings, database: Database, school: SchoolClient, redis: Any
) -> None:
    await claim(database, school)
    await run_sql(database, "UPDATE batches SET not_before = now() - interval '1 h' WHERE state = 'due'")
    await redis.set("campaigns:pace:held", 1, ex=60)
    found = pick(await examine(settings, quick=True), "queue")
    assert found.verdict is Verdict.NOTE
    assert "quota" in found.finding


async def test_events_beside_their_month_are_told(
    settings: Settings, database: Database, school: SchoolClient
) -> None:
    await run_sql(
        database,
        "INSERT INTO email_events (school_id, campaign_id, number, occurred_at, key, kind) "
        "VALUES (:id, :id, 1, '1999-01-01', '\\x01', 'opened')",
        id=school.id,
    )
    assert "default" in pick(await examine(settings, quick=True), "partitions").finding


async def test_no_worker_lives(settings: Settings, redis: Any) -> None:
    await redis.delete(HEALTH_KEY)
    found = pick(await examine(settings, quick=True), "workers")
    assert (found.verdict, found.remedy) == (Verdict.WRONG, "Start one: campaigns worker.")


@pytest.mark.parametrize("service", ["Redis", "PostgreSQL"])
async def test_a_service_is_away(settings: Settings, service: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    away = make_url(settings.database_url).set(host="127.0.0.1", port=port, query={})
    changes = (
        {"redis_url": f"redis://127.0.0.1:{port}/0"}
        if service == "Redis"
        else {"database_url": away.render_as_string(hide_password=False)}
    )
    found = await examine(settings.model_copy(update=changes), quick=True)
    assert pick(found, service).verdict is Verdict.WRONG
    other = {"Redis": "PostgreSQL", "PostgreSQL": "Redis"}[service]
    assert pick(found, other).verdict is Verdict.OK


class _OddRedis:
    """A server that answers INFO with other figures."""

    def __init__(self, **info: object) -> None:
        self._info = {"redis_version": "7.4.1", "maxmemory": 0, **info}

    async def info(self) -> dict[str, object]:
        return self._info

    async def exists(self, _key: str) -> int:
        return 1


@pytest.mark.parametrize(
    ("info", "verdict"),
    [
        ({"redis_version": "5.0.14"}, Verdict.WRONG),
        ({"maxmemory": 1 << 30, "maxmemory_policy": "allkeys-lru"}, Verdict.NOTE),
        ({"maxmemory": 1 << 30, "maxmemory_policy": "noeviction"}, Verdict.OK),
        ({}, Verdict.OK),
    ],
)
async def test_a_redis_unfit_for_it_is_told(info: dict[str, object], verdict: Verdict) -> None:
    assert (await examine_redis(_OddRedis(**info)))[0].verdict is verdict
