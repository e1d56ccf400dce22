"""Opens and clicks that came while PostgreSQL was away: a Redis stream, emptied once it is back.

An entry holds ids, the kind, the instant and the reason to think of a machine: no address, no name, no token.
Each carries the key of its event, so that to apply one twice is harmless.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import structlog
from redis.exceptions import RedisError

from app.core.db import Database, is_contention, is_disconnect
from app.core.group_commit import GroupCommit
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts

STREAM = "campaigns:visits"
MOST_KEPT = 500_000
"""About 100 MB of Redis's memory; what comes on top of it is lost, and counted."""
MOST_AT_ONCE = 500
PATIENCE_SECONDS = 1.0
COMPLAINT_SECONDS = 10.0
"""At most one line of log in so many seconds says that the stream is full."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
log = structlog.get_logger(__name__)


class BacklogFull(Exception):
    """As many visits wait for PostgreSQL as are kept at most."""


class BacklogAway(ConnectionError):
    """Redis is away, or cannot take any more."""


@dataclass(slots=True)
class Backlog:
    """The visits that wait for PostgreSQL."""

    redis: Any  # redis-py's client is untyped where it matters
    most: int = MOST_KEPT
    _adding: GroupCommit[Fact] = field(init=False)
    _complained_at: float = float("-inf")

    def __post_init__(self) -> None:
        """Gather what comes at once into one round trip."""
        self._adding = GroupCommit(self._write)

    async def add(self, fact: Fact) -> None:
        """Keep the fact in Redis; raise BacklogFull or BacklogAway where that cannot be, within 1 s."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._adding.submit(fact)
        except TimeoutError as error:
            raise BacklogAway from error

    async def close(self) -> None:
        """Wait for what is being added."""
        await self._adding.close()

    async def _write(self, facts: Sequence[Fact]) -> None:
        try:
            room = self.most - int(await self.redis.xlen(STREAM))
            if room < len(facts):
                self._complain()
                raise BacklogFull
            pipeline = self.redis.pipeline(transaction=False)
            for fact in facts:
                pipeline.xadd(STREAM, {"fact": encode_fact(fact)})
            await pipeline.execute()
        except RedisError as error:
            raise BacklogAway from error

    def _complain(self) -> None:
        if time.monotonic() - self._complained_at > COMPLAINT_SECONDS:
            self._complained_at = time.monotonic()
            log.error("the backlog of opens and clicks is full: what comes now is lost", most=self.most)


async def apply_backlog(redis: Any, database: Database) -> int:
    """Record what waits, oldest first, and take it off the stream once it is durable; return how much.

    May run on several workers at once. Stops without a word lost where PostgreSQL is still away: it raises
    what `is_disconnect` knows. An entry that loses every race waits for the next time; one that cannot be
    recorded is dropped with a line in the log.
    """

    async def write(facts: Sequence[Fact]) -> None:
        async with database.keyed_connection() as connection:
            await record_facts(connection, facts)

    recorder, applied = GroupCommit(write, most=MOST_AT_ONCE), 0
    while entries := await redis.xrange(STREAM, count=MOST_AT_ONCE):
        facts = [decode_fact(fields[b"fact"]) for _, fields in entries]
        results = await asyncio.gather(*map(recorder.submit, facts), return_exceptions=True)
        done = []
        for (entry, _), error in zip(entries, results, strict=True):
            if isinstance(error, BaseException):
                if is_disconnect(error) or not isinstance(error, Exception):
                    raise error
                if is_contention(error):
                    continue
                log.error("a visit cannot be recorded", error=type(error).__name__)
            done.append(entry)
        if done:
            await redis.xdel(STREAM, *done)
        applied += len(done)
        if len(done) < len(entries):
            break
    if applied:
        log.info("opens and clicks from the time without PostgreSQL are recorded", count=applied)
    return applied


def encode_fact(fact: Fact) -> bytes:
    """Say an open or a click in JSON."""
    key, recipient = fact.key or b"", fact.recipient
    return orjson.dumps(
        [
            recipient.school_id,
            recipient.campaign_id,
            recipient.number,
            fact.kind,
            (fact.at - _EPOCH) // _MICROSECOND,
            key.hex(),
            fact.machine,
            fact.link,
        ]
    )


def decode_fact(body: bytes) -> Fact:
    """Read it back."""
    school_id, campaign_id, number, kind, at, key, machine, link = orjson.loads(body)
    return Fact(
        recipient=RecipientKey(UUID(school_id), UUID(campaign_id), number),
        kind=FactKind(kind),
        at=_EPOCH + at * _MICROSECOND,
        key=bytes.fromhex(key),
        machine=machine,
        link=link,
    )
