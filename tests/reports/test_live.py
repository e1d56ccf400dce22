"""Live reports over a real connection: what changes is told within a second, and to nobody else."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.core.clock import now
from app.core.db import Database
from app.recipients.facts import FactKind
from app.reports.live import hub, listener
from app.schools.keys import create_key
from app.schools.scopes import Scope
from tests.campaigns.prepared import record, send_prepared
from tests.directory.faults import read_faults
from tests.reports.listening import listen, serve
from tests.school import SchoolClient
from tests.waiting import eventually


@pytest.fixture
async def url(app: FastAPI) -> AsyncIterator[str]:
    async with serve(app) as url:
        yield url


@pytest.fixture
async def campaign(school: SchoolClient, database: Database) -> UUID:
    """A campaign to three people, ready to be sent."""
    await school.push_users(3)
    return await send_prepared(school, database)


async def test_a_campaign_is_told_at_once_and_at_every_change(
    url: str, school: SchoolClient, database: Database, campaign: UUID
) -> None:
    path = f"/v1/campaigns/{campaign}"
    async with listen(url, school, f"{path}/live") as stream:
        assert stream.answer.status_code == 200
        headers = stream.answer.headers
        assert headers["content-type"].split(";")[0] == "text/event-stream"
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        first = await stream.next()
        assert first is not None
        assert first.name == "stats"
        detail = await school.read(path)
        assert first.data == {name: detail[name] for name in first.data}
        assert set(detail) - set(first.data) == {"audience", "links", "content"}
        assert stream.retry == 2000
        took, told = [], first.data
        for number in (1, 2, 3):  # a busy machine may be late once
            await record(database, school, campaign, number, FactKind.DELIVERED)
            changed = now()
            told = await stream.until(delivered=number)
            took.append((now() - changed).total_seconds())
        assert min(took) < 1
        assert told == {name: value for name, value in (await school.read(path)).items() if name in told}


async def test_what_people_do_and_calls_under_way_are_told_too(
    url: str, school: SchoolClient, database: Database, campaign: UUID
) -> None:
    path = f"/v1/campaigns/{campaign}"
    async with listen(url, school, f"{path}/live") as stream:
        assert (await stream.until(status="sending"))["stats"]["sending"] == 0
        async with database.connection() as connection:
            await connection.execute(
                text("UPDATE batches SET state = 'calling' WHERE campaign_id = :id"), {"id": campaign}
            )
        assert (await stream.until(sending=3))["stats"]["queued"] == 0
        await school.http.patch(path, json={"name": "Summer"})
        assert (await stream.until(name="Summer"))["display_name"] == "Summer"
        await school.http.post(f"{path}/pause")
        await stream.until(status="paused")
        await school.http.post(f"{path}/cancel")
        assert (await stream.until(status="cancelled"))["completed_at"]
        # The end of a campaign is not the end of what people do with it.
        await record(database, school, campaign, 2, FactKind.OPENED)
        await stream.until(opened=1)


async def test_whoever_comes_back_is_told_what_they_missed_and_nothing_twice(
    url: str, school: SchoolClient, database: Database, campaign: UUID
) -> None:
    path = f"/v1/campaigns/{campaign}/live"
    async with listen(url, school, path) as stream:
        await stream.next()
        seen = stream.last_id
    assert seen
    async with listen(url, school, path, last_id=seen) as stream:
        assert await stream.is_silent(seconds=0.5)
    await record(database, school, campaign, 1, FactKind.DELIVERED)
    async with listen(url, school, path, last_id=seen) as stream:
        event = await stream.next()
        assert event is not None
        assert event.data["stats"]["delivered"] == 1
        assert stream.last_id != seen


async def test_the_list_tells_of_every_campaign_that_changes_or_is_new(
    url: str, school: SchoolClient, database: Database, campaign: UUID
) -> None:
    second = await send_prepared(school, database, name="Second")
    async with listen(url, school, "/v1/campaigns/live") as stream:
        page = (await school.read("/v1/campaigns"))["items"]
        assert [(await stream.next()).data for _ in page] == page  # type: ignore[union-attr]
        assert [row["id"] for row in page] == [str(second), str(campaign)]
        await record(database, school, campaign, 1, FactKind.BOUNCED)
        event = await stream.next()
        assert event is not None
        assert (event.data["id"], event.data["stats"]["bounced"]) == (str(campaign), 1)
        third = await school.send(name="Third")
        event = await stream.next()
        assert event is not None
        assert (event.data["id"], event.data["status"]) == (third["id"], third["status"])
        seen = stream.last_id
    async with listen(url, school, "/v1/campaigns/live", last_id=seen) as stream:
        assert await stream.is_silent(seconds=0.5)
    async with listen(url, school, "/v1/campaigns/live", last_id="0" * 16) as stream:
        assert [(await stream.next()).name for _ in range(3)] == ["stats"] * 3  # type: ignore[union-attr]


async def test_a_long_list_tells_its_newest_and_asks_for_the_rest_to_be_read_again(
    url: str, school: SchoolClient, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("sight", "showing"):
        monkeypatch.setattr(f"app.reports.live.{module}.MOST_NEWEST", 1)
    newest = (await school.send())["id"]
    async with listen(url, school, "/v1/campaigns/live", last_id="0" * 16) as stream:
        events = [await stream.next(), await stream.next()]
        assert [event and event.name for event in events] == ["stats", "reload"]
        assert events[0] is not None
        assert events[0].data["id"] == newest
        assert stream.last_id != "0" * 16


async def test_nobody_is_told_of_another_school(
    url: str, school: SchoolClient, other_school: SchoolClient, database: Database, campaign: UUID
) -> None:
    async with (
        listen(url, other_school, f"/v1/campaigns/{campaign}/live") as foreign,
        listen(url, school, f"/v1/campaigns/{uuid4()}/live") as unknown,
        listen(url, school, f"/v1/campaigns/{campaign}/live") as own,
        listen(url, other_school, "/v1/campaigns/live") as others,
        listen(url, school, "/v1/campaigns/live") as owns,
    ):
        assert (foreign.answer.status_code, unknown.answer.status_code) == (404, 404)
        await record(database, school, campaign, 1, FactKind.DELIVERED)
        await own.until(delivered=1)
        await owns.until(delivered=1)
        assert await others.is_silent(seconds=0.3)


@pytest.mark.parametrize("path", ["/v1/campaigns/live", f"/v1/campaigns/{UUID(int=7)}/live"])
async def test_it_takes_a_credential_that_may_read_campaigns(
    school: SchoolClient, database: Database, path: str
) -> None:
    async with database.tenant_transaction(school.id) as session:
        _, key = await create_key(session, school_id=school.id, name="Push", scopes=(Scope.DIRECTORY_WRITE,))
    read_faults(await school.http.get(path, headers={"Authorization": f"Bearer {key}"}), 403)
    read_faults(await school.http.get(path, headers={"Authorization": "Bearer ck_"}), 401)


@pytest.mark.parametrize("change", ["revoked_at = now()", "expires_at = now()", "scopes = '{}'"])
async def test_the_stream_ends_with_its_credential(
    url: str,
    school: SchoolClient,
    database: Database,
    campaign: UUID,
    monkeypatch: pytest.MonkeyPatch,
    change: str,
) -> None:
    assert hub.CREDENTIAL_SECONDS + hub.LOOK_SECONDS < 60
    monkeypatch.setattr(hub, "CREDENTIAL_SECONDS", 0.1)
    async with listen(url, school, f"/v1/campaigns/{campaign}/live") as stream:
        await stream.next()
        async with database.connection() as connection:
            change_key = text(f"UPDATE api_keys SET {change} WHERE school_id = :school")  # noqa: S608
            await connection.execute(change_key, {"school": school.id})
        event = await stream.next()
        assert event is not None
        assert event.comment == "the credential is no longer valid"
        assert await stream.next() is None


async def test_while_they_wait_they_hold_nothing_and_when_they_leave_they_leave_nothing(
    url: str, app: FastAPI, school: SchoolClient, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "HEARTBEAT_SECONDS", 0.05)
    pool = app.state.database.engine.pool
    watched = app.state.live._listeners
    async with listen(url, school, f"/v1/campaigns/{campaign}/live") as stream:
        await stream.until(recipients=3)
        while (event := await stream.next()) is not None and event.comment != "heartbeat":
            pass
        assert event is not None
        assert len(watched) == 1

        async def count() -> int:
            return int(pool.checkedout())

        await eventually(count, lambda held: held == 0)

    async def count_topics() -> int:
        return len(watched)

    await eventually(count_topics, lambda topics: topics == 0)


async def test_a_stream_outlives_the_loss_of_the_database(
    url: str, school: SchoolClient, database: Database, campaign: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "AWAY_SECONDS", 0.1)
    async with listen(url, school, f"/v1/campaigns/{campaign}/live") as stream:
        await stream.next()
        async with database.connection() as connection:
            await connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND application_name = 'campaigns-api'"
                )
            )
        event = await stream.next()
        assert event is not None
        assert event.comment.startswith("the database is away")
        await record(database, school, campaign, 1, FactKind.DELIVERED)
        await stream.until(delivered=1)
