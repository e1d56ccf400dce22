"""Wake-ups: JSON and ids only, sent after the commit, and never a reason to fail."""

import json
from typing import Any

import pytest
import structlog
from asgi_lifespan import LifespanManager

from app.core.config import Settings
from app.core.db import Database
from app.core.ids import new_id
from app.core.queue import QUEUE_NAME, Queue, deserialize_job, serialize_job
from app.core.redis import connect_redis
from app.main import create_app
from tests.school import MESSAGE, SchoolClient, open_school

NOWHERE = "redis://127.0.0.1:1"


async def read_jobs(settings: Settings) -> list[dict[str, Any]]:
    """Read what waits in Redis, as JSON: anything else would fail here."""
    redis = connect_redis(settings.redis_url)
    try:
        ids = await redis.zrange(QUEUE_NAME, 0, -1)
        bodies = [await redis.get(b"arq:job:" + job) for job in ids]
    finally:
        await redis.aclose()
    return [json.loads(body) for body in bodies if body]


async def test_a_wake_up_is_json_with_ids_and_nothing_else(settings: Settings) -> None:
    ids = [new_id(), new_id()]
    queue = Queue(settings.redis_url)
    await queue.wake("prepare_campaign", *ids)
    await queue.close()
    (job,) = [job for job in await read_jobs(settings) if str(ids[0]) in job["a"]]
    assert (job["f"], job["a"], job["k"]) == ("prepare_campaign", [str(each) for each in ids], {})


def test_a_job_comes_back_as_it_was() -> None:
    job = {"t": 1, "f": "deliver_campaign", "a": ("x", "y"), "k": {}, "et": 5}
    assert deserialize_job(serialize_job(job)) == job
    assert deserialize_job(b'{"f": "x", "a": null}')["a"] == ()


def test_a_pickle_is_not_read() -> None:
    with pytest.raises(ValueError, match="not valid"):
        deserialize_job(b"\x80\x04}\x94.")


@pytest.mark.parametrize("kind", ["system", "tenant"])
async def test_it_leaves_after_the_commit(
    settings: Settings, database: Database, school: SchoolClient, kind: str
) -> None:
    queue, mark = Queue(settings.redis_url), new_id()
    transaction = (
        database.system_transaction() if kind == "system" else database.tenant_transaction(school.id)
    )
    async with transaction as session:
        queue.enqueue(session, "prepare_campaign", mark)
        assert not [job for job in await read_jobs(settings) if str(mark) in job["a"]]
    assert [job for job in await read_jobs(settings) if str(mark) in job["a"]]
    await queue.close()


async def test_a_rollback_drops_it(settings: Settings, database: Database) -> None:
    queue, dropped, kept = Queue(settings.redis_url), new_id(), new_id()

    async def give_up() -> None:
        async with database.system_transaction() as session:
            queue.enqueue(session, "prepare_campaign", dropped)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await give_up()
    async with database.system_transaction() as session:
        queue.enqueue(session, "prepare_campaign", kept)
    waiting = [each for job in await read_jobs(settings) for each in job["a"]]
    assert str(kept) in waiting
    assert str(dropped) not in waiting
    await queue.close()


async def test_a_redis_that_is_away_costs_a_log_line() -> None:
    queue = Queue(NOWHERE)
    with structlog.testing.capture_logs() as logged:
        await queue.wake("prepare_campaign", new_id())
    assert [line["event"] for line in logged] == ["wake-up not sent"]
    assert not await queue.is_up()
    await queue.close()


async def test_messages_are_accepted_while_redis_is_away(settings: Settings, database: Database) -> None:
    app = create_app(settings.model_copy(update={"redis_url": NOWHERE}))
    async with LifespanManager(app), open_school(app, database) as school:
        await school.push_users(2)
        answer = await school.http.post("/v1/messages", json=MESSAGE)
        assert answer.status_code == 202
        assert (await school.read(f"/v1/campaigns/{answer.json()['id']}"))["status"] == "preparing"
        ready = await school.http.get("/readyz")
        assert (ready.status_code, ready.json()) == (503, {"postgresql": "ok", "redis": "away"})


async def test_a_queue_that_is_up_says_so(settings: Settings) -> None:
    queue = Queue(settings.redis_url)
    assert await queue.is_up()
    await queue.close()
    await Queue(settings.redis_url).close()  # never used: nothing to close
