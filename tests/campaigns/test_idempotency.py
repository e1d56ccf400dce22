"""`Idempotency-Key`: one campaign for one key and body, however often and however much at once it is sent."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient


@pytest.fixture(autouse=True)
async def people(school: SchoolClient) -> None:
    """Somebody to write to."""
    await school.push_users(2)


async def _send(school: SchoolClient, key: str, **changes: Any) -> httpx.Response:
    return await school.http.post("/v1/messages", json=MESSAGE | changes, headers={"Idempotency-Key": key})


async def _count(school: SchoolClient) -> int:
    return len((await school.read("/v1/campaigns"))["items"])


async def test_the_same_key_and_body_is_the_same_campaign(school: SchoolClient) -> None:
    first, again = await _send(school, "key-1"), await _send(school, "key-1")
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    assert await _count(school) == 1
    await _send(school, "key-2")
    assert await _count(school) == 2


async def test_the_order_of_fields_does_not_matter(school: SchoolClient) -> None:
    first = await _send(school, "key")
    turned = dict(reversed(MESSAGE.items()))
    again = await school.http.post("/v1/messages", json=turned, headers={"Idempotency-Key": "key"})
    assert again.json()["id"] == first.json()["id"]


async def test_the_same_key_with_another_body_is_a_conflict(school: SchoolClient) -> None:
    await _send(school, "key")
    read_faults(await _send(school, "key", subject="Another"), 409)
    read_faults(await _send(school, "key", track_opens=False), 409)
    assert await _count(school) == 1


async def test_a_refused_message_leaves_its_key_free(school: SchoolClient) -> None:
    read_faults(await _send(school, "key", subject=""))
    assert (await _send(school, "key")).status_code == 202
    assert await _count(school) == 1


async def test_many_at_once_make_one_campaign(school: SchoolClient) -> None:
    answers = await asyncio.gather(*(_send(school, "key") for _ in range(100)))
    assert {answer.status_code for answer in answers} == {202}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert {answer.headers["location"] for answer in answers} == {f"/v1/campaigns/{answers[0].json()['id']}"}
    assert await _count(school) == 1


async def test_different_messages_at_once_under_one_key_make_one_campaign(school: SchoolClient) -> None:
    answers = await asyncio.gather(*(_send(school, "key", name=f"n{n}") for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 7
    assert await _count(school) == 1


async def test_keys_belong_to_their_school(school: SchoolClient, other_school: SchoolClient) -> None:
    await other_school.push_users(1)
    ours, theirs = await _send(school, "key"), await _send(other_school, "key", subject="Theirs")
    assert (ours.status_code, theirs.status_code) == (202, 202)
    assert ours.json()["id"] != theirs.json()["id"]


@pytest.mark.parametrize("key", ["x" * 256, "caf\u00e9", "tab\there"])
async def test_a_key_is_short_printable_ascii(school: SchoolClient, key: str) -> None:
    answer = await school.http.post(
        "/v1/messages", json=MESSAGE, headers=[(b"Idempotency-Key", key.encode("latin-1"))]
    )
    assert {pointer.lower() for pointer in read_faults(answer)} == {"/idempotency-key"}
    assert await _count(school) == 0
