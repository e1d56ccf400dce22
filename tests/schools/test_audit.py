"""`/v1/audit`: every deed with who and when, in the deed's own transaction, and never changed again."""

from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.core.db import Database
from app.schools.audit.record import OPERATOR, WITHHELD, record, set_actor
from app.schools.keys import create_key, parse_key
from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient

USER = "/v1/directory/users/u1"
ADDRESSES = {"items": [{"address": "gone@school.example"}]}


async def _read(school: SchoolClient, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await school.read("/v1/audit", **query))["items"]
    return items


async def _do_everything(school: SchoolClient) -> list[str]:
    """Do one of each; return the actions, newest first."""
    await school.push_users(2)
    await school.http.patch("/v1/school", json={"colour": "#112233"})
    campaign = (await school.send())["id"]
    await school.http.patch(f"/v1/campaigns/{campaign}", json={"name": "Renamed"})
    await school.http.post(f"/v1/campaigns/{campaign}/cancel")
    await school.http.get(f"/v1/campaigns/{campaign}/recipients.csv")
    await school.http.patch(f"{USER}/preferences", json={"marketing": "unsubscribed"})
    await school.http.get(f"{USER}/export")
    await school.http.post("/v1/suppressions", json=ADDRESSES)
    await school.http.post("/v1/suppressions/remove", json=ADDRESSES)
    await school.http.delete(USER)
    made = (await school.http.post("/v1/api-keys", json={"name": "Sync"})).json()
    await school.http.delete(f"/v1/api-keys/{made['id']}")
    return [
        "revoke.key",
        "create.key",
        "erase.user",
        "remove.suppressions",
        "add.suppressions",
        "export.user",
        "change.preferences",
        "export.recipients",
        "cancel.campaign",
        "rename.campaign",
        "send.message",
        "change.school",
    ]


async def test_every_deed_is_told_with_who_did_it(school: SchoolClient) -> None:
    done = await _do_everything(school)
    parts = parse_key(school.key)
    assert parts is not None
    entries = await _read(school)
    assert [each["action"] for each in entries] == [*done, "create.key", "create.school"]
    mine = {"kind": "key", "id": str(parts.key_id), "name": "Tests"}
    assert all(each["actor"] == mine for each in entries[: len(done)])
    assert {each["actor"]["kind"] for each in entries[len(done) :]} == {"system"}
    assert len({each["request_id"] for each in entries[: len(done)]}) == len(done)
    by_action = {each["action"]: each for each in entries}
    for action in ("erase.user", "export.user", "change.preferences"):  # an erasure reaches here too
        assert by_action[action]["object"] == {"kind": "user", "id": "erased"}
    assert by_action["change.preferences"]["details"] == {"marketing": "unsubscribed"}
    assert by_action["send.message"]["details"] == {"message_type": "marketing", "recipients": 2}
    assert by_action["change.school"]["details"] == {"settings": ["colour"]}
    assert by_action["add.suppressions"]["details"] == {"added": 1}
    assert "school.example" not in (await school.http.get("/v1/audit")).text


async def test_the_trail_can_be_asked(school: SchoolClient, other_school: SchoolClient) -> None:
    await _do_everything(school)
    everything = await _read(school)
    assert [each["action"] for each in await _read(school, action="erase.user")] == ["erase.user"]
    assert await _read(school, actor="nobody") == []
    assert len(await _read(school, actor="system")) == 2
    middle = everything[5]["at"]
    newer = await _read(school, since=middle)
    older = await _read(school, until=middle)
    assert newer + older == everything
    assert newer[-1]["at"] == middle
    paged, cursor = [], None
    while True:
        page = await school.read("/v1/audit", limit=4, **({"cursor": cursor} if cursor else {}))
        paged += page["items"]
        if (cursor := page["next_cursor"]) is None:
            break
    assert paged == everything
    assert {each["action"] for each in await _read(other_school)} == {"create.school", "create.key"}


@pytest.mark.parametrize(
    "query", [{"since": "yesterday"}, {"cursor": "x"}, {"limit": 201}, {"action": "a\x00"}]
)
async def test_what_cannot_be_asked_is_422(school: SchoolClient, query: dict[str, Any]) -> None:
    assert read_faults(await school.http.get("/v1/audit", params=query)).keys() == {f"/{next(iter(query))}"}


async def test_what_did_not_happen_is_not_told(school: SchoolClient) -> None:
    before = await _read(school)
    unknown = "01a20e3c-59f2-750b-93ed-3c8fadf04e47"
    refused = [
        await school.http.post(f"/v1/campaigns/{unknown}/pause"),
        await school.http.delete(f"/v1/api-keys/{unknown}"),
        await school.http.patch("/v1/school", json={"name": None}),
        await school.http.post("/v1/messages", json=MESSAGE),
    ]
    assert {answer.status_code for answer in refused} == {404, 422}
    assert await _read(school) == before


async def test_an_address_used_as_an_id_is_withheld(school: SchoolClient) -> None:
    await school.push("users", {"external_id": "ann@school.example", "email": "ann@school.example"})
    await school.read("/v1/directory/users/ann@school.example/export")
    (entry,) = await _read(school, action="export.user")
    assert entry["object"] == {"kind": "user", "id": WITHHELD}


@pytest.mark.parametrize("change", ["UPDATE audit_entries SET action = 'x'", "DELETE FROM audit_entries"])
async def test_a_tenant_can_change_nothing_of_it(
    school: SchoolClient, database: Database, change: str
) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        async with database.tenant_transaction(school.id) as session:
            await session.execute(text(change))
    assert len(await _read(school)) == 2


async def test_the_operator_is_told_apart(school: SchoolClient, database: Database) -> None:
    structlog.contextvars.clear_contextvars()  # a command has no request
    async with database.system_transaction() as session:
        set_actor(session, OPERATOR)
        await create_key(session, school_id=school.id, name="By hand")
    (entry, *_) = await _read(school)
    assert (entry["actor"]["kind"], entry["request_id"]) == ("operator", None)
    assert (await school.read("/v1/api-keys"))["items"][0]["created_by"]["kind"] == "operator"


async def test_an_action_is_a_verb_and_a_noun(school: SchoolClient, database: Database) -> None:
    async with database.system_transaction() as session:
        with pytest.raises(ValueError, match=r"verb\.noun"):
            record(session, "paused", school_id=school.id, kind="campaign")


async def test_the_instant_of_an_entry_is_that_of_the_deed(
    school: SchoolClient, public: httpx.AsyncClient
) -> None:
    answer = await school.http.patch("/v1/school", json={"colour": None})
    entry = (await _read(school))[0]
    changed_at, told_at = (
        datetime.fromisoformat(each) for each in (answer.json()["updated_at"], entry["at"])
    )
    assert abs(told_at - changed_at) < timedelta(seconds=1)
    assert entry["request_id"] == answer.headers["x-request-id"]
