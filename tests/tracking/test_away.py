"""PostgreSQL away: links still lead on, images still load, and what was done meanwhile is counted later."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from asgi_lifespan import LifespanManager
from sqlalchemy import text

from app.core.config import Settings
from app.core.db import Database
from app.core.group_commit import GroupCommit
from app.core.ids import new_id
from app.core.redis import connect_redis
from app.core.signing import Purpose, RecipientRef
from app.main import create_app
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import make_recorder
from app.tracking.backlog import STREAM, Backlog, BacklogFull, apply_backlog, decode_fact, encode_fact
from app.tracking.jobs import Tracking
from app.tracking.kept_links import PREFIX, KeptLinks
from app.tracking.links import LinkBook, LinksUnknown
from app.tracking.outage import DatabaseWatch
from app.tracking.visits import VisitRecorder
from tests.recipients.campaign import minute
from tests.tracking.mailing import FIREFOX, Mailing

NOWHERE = {"database_url": "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"}
NO_REDIS = {"redis_url": "redis://127.0.0.1:1/0"}


@pytest.fixture
async def redis(settings: Settings) -> AsyncIterator[Any]:
    """Redis without anything of tracking in it."""
    client = connect_redis(settings.redis_url)
    await _forget(client)
    yield client
    await _forget(client)
    await client.aclose()


async def _forget(client: Any) -> None:
    await client.delete(STREAM, *[key async for key in client.scan_iter(f"{PREFIX}:*")])


@asynccontextmanager
async def cut_off(mailing: Mailing, settings: Settings, **away: str) -> AsyncIterator[Mailing]:
    """Give the mailing as a new API process serves it from which services are away."""
    app = create_app(settings.model_copy(update=away))
    async with LifespanManager(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://campaigns.test") as public:
            yield Mailing(mailing.school, app, public, mailing.campaign)


async def test_what_people_do_meanwhile_is_answered_and_counted_later(
    mailing: Mailing, settings: Settings, redis: Any, database: Database
) -> None:
    await mailing.click(1, number=2)  # the first to ask has the links kept
    async with cut_off(mailing, settings, **NOWHERE) as away:
        answers = [await away.click(1), await away.click(2), await away.click(1, method="HEAD")]
        image = await away.open()
        forged = await away.public.get("/c/forged/1", headers={"User-Agent": FIREFOX})
        absent = await away.click(3)
    assert [answer.headers["location"] for answer in answers] == [
        "https://school.example/a?x=1&y=2",
        "https://school.example/%C3%A9%20path?for=&city=nowhere#top",  # what is theirs is in PostgreSQL alone
        "https://school.example/a?x=1&y=2",
    ]
    assert (image.status_code, image.headers["content-type"]) == (200, "image/gif")
    assert (forged.status_code, absent.status_code) == (404, 404)
    entries = await redis.xrange(STREAM)
    held = orjson.dumps([fields[b"fact"].decode() for _, fields in entries]).decode()
    assert len(entries) == 4
    for secret in ("x.example", "Ana", "Firefox", mailing.token(Purpose.CLICK), mailing.token(Purpose.OPEN)):
        assert secret not in held

    assert (await mailing.recipient())["click_count"] == 0
    assert await apply_backlog(redis, database) == 4
    person = await mailing.recipient()
    # Both links of the mail within the second: a program, though it calls itself a browser.
    assert (person["open_count"], person["click_count"], person["machine_clicked"]) == (1, 0, True)
    for _, fields in entries:  # a worker that was killed before it took them off
        await redis.xadd(STREAM, fields)
    assert await apply_backlog(redis, database) == 4
    assert await mailing.recipient() == person
    assert await redis.xlen(STREAM) == 0
    await mailing.campaign.check_counters()


async def test_links_are_kept_when_sending_starts(
    mailing: Mailing, settings: Settings, redis: Any, database: Database
) -> None:
    tracking = Tracking(database, redis)
    await tracking.keep_links()
    (key,) = [key async for key in redis.scan_iter(f"{PREFIX}:*{mailing.campaign.id}")]
    assert 0 < await redis.ttl(key) <= 60 * 24 * 3600
    assert b"x.example" not in (await redis.get(key)).replace(b"school.example", b"")
    async with cut_off(mailing, settings, **NOWHERE) as away:
        assert (await away.click(1)).headers["location"] == "https://school.example/a?x=1&y=2"


async def test_links_that_nobody_knows_ask_to_come_again(
    mailing: Mailing, settings: Settings, redis: Any
) -> None:
    async with cut_off(mailing, settings, **NOWHERE, **NO_REDIS) as away:
        answer = await away.click(1)
        assert (answer.status_code, "location" in answer.headers) == (503, False)
        assert answer.headers["content-type"].startswith("text/html")
        assert "Retry-After" in answer.headers
        assert (await away.open()).content[:3] == b"GIF"
    assert await redis.xlen(STREAM) == 0


async def test_a_process_leads_on_by_what_it_knows(
    mailing: Mailing, settings: Settings, database: Database
) -> None:
    """With Redis away as well; where the person's data would choose the page, it asks to come again."""
    no_redis = connect_redis("redis://127.0.0.1:1/0")
    book = LinkBook(database, KeptLinks(no_redis), DatabaseWatch())
    ref = RecipientRef(mailing.campaign.school_id, mailing.campaign.id, 1)
    assert await book.find(ref, 1) == "https://school.example/a?x=1&y=2"
    book.database = Database(settings.model_copy(update=NOWHERE))
    assert await book.find(ref, 1) == "https://school.example/a?x=1&y=2"
    assert await book.find(ref, 3) is None
    with pytest.raises(LinksUnknown):
        await book.find(RecipientRef(new_id(), new_id(), 1), 1)


async def test_a_database_that_hangs_holds_nobody_up(
    mailing: Mailing, redis: Any, database: Database
) -> None:
    asked: list[Fact] = []
    back = asyncio.Event()

    async def hang(facts: Sequence[Fact]) -> None:
        asked.extend(facts)
        await back.wait()

    recorder = GroupCommit(hang, patience=0.02)
    visits = VisitRecorder(recorder, Backlog(redis), DatabaseWatch())
    facts = [mailing.campaign.fact(FactKind.OPENED, at=n, key=new_id().bytes) for n in range(3)]
    for fact in facts:
        await visits.record(fact)
    assert asked == facts[:1]  # the others did not even ask
    assert [decode_fact(fields[b"fact"]) for _, fields in await redis.xrange(STREAM)] == facts
    back.set()
    await recorder.close()
    await make_recorder(database).submit(facts[0])  # the hanging write may have come through after all
    await apply_backlog(redis, database)
    assert (await mailing.stats())["opens"] == 3


async def test_the_backlog_is_bounded(mailing: Mailing, redis: Any) -> None:
    backlog = Backlog(redis, most=2)
    facts = [mailing.campaign.fact(FactKind.OPENED, key=new_id().bytes) for _ in range(4)]
    results = await asyncio.gather(*map(backlog.add, facts), return_exceptions=True)
    assert [type(result) for result in results] == [type(None)] * 2 + [BacklogFull] * 2
    assert await redis.xlen(STREAM) == 2


async def test_a_visit_that_cannot_be_recorded_harms_no_other(
    mailing: Mailing, redis: Any, database: Database
) -> None:
    """A link's number beyond what the column holds, as only a fault of ours could write it."""
    backlog = Backlog(redis)
    await backlog.add(mailing.campaign.fact(FactKind.CLICKED, key=new_id().bytes, link=2**40))
    await backlog.add(mailing.campaign.fact(FactKind.OPENED, key=new_id().bytes))
    assert await apply_backlog(redis, database) == 2
    assert ((await mailing.stats())["opens"], (await mailing.stats())["clicks"]) == (1, 0)


_LOSE = (
    """
    CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = 'deadlock_detected'; END $$
    """,
    """
    CREATE TRIGGER lose BEFORE INSERT ON email_events
    FOR EACH ROW WHEN (NEW.number = 1) EXECUTE FUNCTION lose()
    """,
)
_WIN = ("DROP TRIGGER lose ON email_events", "DROP FUNCTION lose")


async def _run(database: Database, statements: Sequence[str]) -> None:
    async with database.connection() as connection:
        for statement in statements:
            await connection.execute(text(statement))


async def test_a_visit_that_loses_every_race_is_recorded_later(
    mailing: Mailing, redis: Any, database: Database
) -> None:
    """As where a deadlock is found again and again: it is put off, and stays put off until it wins."""
    loser, winner = (mailing.campaign.fact(FactKind.OPENED, number=n, key=new_id().bytes) for n in (1, 2))
    visits = VisitRecorder(make_recorder(database), Backlog(redis), DatabaseWatch())
    await _run(database, _LOSE)
    try:
        await visits.record(loser)
        await Backlog(redis).add(winner)
        assert await apply_backlog(redis, database) == 1
    finally:
        await _run(database, _WIN)
    assert [decode_fact(fields[b"fact"]) for _, fields in await redis.xrange(STREAM)] == [loser]
    assert await apply_backlog(redis, database) == 1
    assert (await mailing.stats())["opens"] == 2


def test_a_fact_is_read_back_as_it_was() -> None:
    recipient = RecipientKey(new_id(), new_id(), 1)
    fact = Fact(recipient, FactKind.CLICKED, minute(7), key=new_id().bytes, link=3, machine="head")
    assert decode_fact(encode_fact(fact)) == fact


async def test_what_was_submitted_is_durable_when_the_process_ends(
    mailing: Mailing, settings: Settings
) -> None:
    app = create_app(settings)
    async with LifespanManager(app):
        fact = mailing.campaign.fact(FactKind.OPENED, key=new_id().bytes)
        submitted = asyncio.create_task(app.state.visits.record(fact))
        await asyncio.sleep(0)
    assert submitted.done()
    assert (await mailing.stats())["opens"] == 1
