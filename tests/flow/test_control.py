"""What an administrator does while mail goes out: repeat, pause, cancel, schedule; and who may not."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from app.core.clock import now
from tests.flow.deployment import NOBODY_ACTS, QUIET, Deployment, check_sums
from tests.school import MESSAGE, SchoolClient
from tests.waiting import eventually

MANY = 1200
"""Two seconds and more of sending."""


async def post(school: SchoolClient, campaign: dict[str, Any], what: str) -> httpx.Response:
    return await school.http.post(f"/v1/campaigns/{campaign['id']}/{what}")


async def wait_for_status(school: SchoolClient, campaign: dict[str, Any], status: str) -> dict[str, Any]:
    return await eventually(
        lambda: school.read(f"/v1/campaigns/{campaign['id']}"), lambda seen: seen["status"] == status
    )


async def test_repeated_message_is_one_campaign(deployment: Deployment, school: SchoolClient) -> None:
    await school.push_users(5, marketing="subscribed")
    headers = {"Idempotency-Key": str(uuid4())}
    answers = await asyncio.gather(
        *(school.http.post("/v1/messages", json=MESSAGE, headers=headers) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert len({answer.headers["location"] for answer in answers}) == 1
    other = await school.http.post("/v1/messages", json=MESSAGE | {"subject": "Other"}, headers=headers)
    assert other.status_code == 409
    campaign = answers[0].json()
    await deployment.rest(school, campaign["id"])
    again = await school.http.post("/v1/messages", json=MESSAGE, headers=headers)
    assert again.json() == campaign
    assert len((await school.read("/v1/campaigns"))["items"]) == 1
    assert (await deployment.world.get_ledger(campaign["id"])).totals.accepted == 5


async def test_pause_holds_and_resume_goes_on(deployment: Deployment, school: SchoolClient) -> None:
    world = deployment.world
    await world.change_settings(behaviour=QUIET)
    await school.push_users(MANY, marketing="subscribed")
    await school.push("groups", {"external_id": "choir", "name": "Choir"})
    await school.push("memberships", {"external_id": "m1", "group": "choir", "user": "u1"})
    campaign = await school.send()
    await deployment.wait(school, campaign["id"], sent=100)
    paused = await post(school, campaign, "pause")
    assert (paused.status_code, paused.json()["status"]) == (200, "paused")
    assert paused.json()["status_reason"]

    async def read() -> tuple[dict[str, Any], int]:
        seen = await school.read(f"/v1/campaigns/{campaign['id']}")
        return seen, (await world.get_ledger(campaign["id"])).totals.accepted

    # Calls in flight end within 2 s; whatever SES has by then is all it gets.
    seen, handed_off = await eventually(
        read, lambda pair: not pair[0]["stats"]["sending"] and pair[0]["stats"]["sent"] == pair[1], seconds=2
    )
    assert 100 <= handed_off < MANY
    assert (seen["status"], seen["stats"]["queued"]) == ("paused", MANY - handed_off)
    assert (await post(school, campaign, "pause")).status_code == 409
    other = await school.send(audience={"filter": {"kind": "group", "group": "choir"}})
    await wait_for_status(school, other, "sent")  # and did not take the first with it
    assert (await world.get_ledger(campaign["id"])).totals.accepted == handed_off

    assert (await post(school, campaign, "resume")).status_code == 200
    done = await deployment.rest(school, campaign["id"])
    await deployment.check(done, recipients=MANY)
    assert done["status_reason"] is None
    assert (await post(school, campaign, "resume")).status_code == 409


async def test_cancel_stops_for_good(deployment: Deployment, school: SchoolClient) -> None:
    await deployment.world.change_settings(behaviour=NOBODY_ACTS)
    await school.push_users(MANY, marketing="subscribed")
    campaign = await school.send()
    await deployment.wait(school, campaign["id"], sent=100)
    cancelled = await post(school, campaign, "cancel")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert cancelled.json()["completed_at"]
    seen = await eventually(
        lambda: school.read(f"/v1/campaigns/{campaign['id']}"),
        lambda seen: not seen["stats"]["sending"] and not seen["stats"]["pending"],
    )
    ledger = (await deployment.world.get_ledger(campaign["id"])).totals
    assert ledger.accepted == seen["stats"]["sent"] < MANY
    assert seen["status"] == "cancelled"
    check_sums(seen["stats"])
    for what in ("resume", "pause", "send-now", "cancel"):
        refused = await post(school, campaign, what)
        assert refused.status_code == 409
        assert "cancelled" in refused.json()["detail"]


async def test_scheduled_campaign_starts_on_time(deployment: Deployment, school: SchoolClient) -> None:
    await school.push_users(3, marketing="subscribed")
    send_at = now() + timedelta(seconds=3)
    campaign = await school.send(send_at=send_at.isoformat())
    later = await school.send(send_at=(now() + timedelta(days=1)).isoformat(), name="Tomorrow")
    assert (campaign["status"], campaign["sent_at"]) == ("scheduled", None)
    assert (await school.read("/v1/campaigns"))["items"][0]["id"] == later["id"]
    assert (await deployment.world.get_ledger(campaign["id"])).totals.accepted == 0
    done = await wait_for_status(school, campaign, "sent")
    assert send_at <= datetime.fromisoformat(done["sent_at"]) <= send_at + timedelta(seconds=5)
    rows = (await school.read(f"/v1/campaigns/{campaign['id']}/recipients"))["items"]
    assert all(datetime.fromisoformat(row["sent_at"]) <= send_at + timedelta(seconds=5) for row in rows)
    assert (await post(school, later, "send-now")).status_code == 200
    await wait_for_status(school, later, "sent")


async def test_unsubscribed_is_left_out_of_the_next(deployment: Deployment, school: SchoolClient) -> None:
    await deployment.world.change_settings(behaviour=QUIET | {"unsubscribed": 1, "reading_floor_seconds": 0})
    await school.push_users(2, marketing="subscribed")
    await school.push("users", {"external_id": "u1", "email": "user1@school.example", "status": "inactive"})
    first = await school.send()
    await deployment.rest(school, first["id"])
    stats = (await school.read(f"/v1/campaigns/{first['id']}"))["stats"]
    assert (stats["recipients"], stats["unsubscribed"]) == (1, 1)
    await school.push_users(2)  # both are active now; a sync never re-subscribes
    await deployment.world.change_settings(behaviour={"unsubscribed": 0})
    for message_type, recipients in (("marketing", 1), ("newsletter", 2), ("operational", 2)):
        body = {"audience": MESSAGE["audience"], "message_type": message_type}
        preview = (await school.http.post("/v1/audiences/preview", json=body)).json()
        sent = await school.send(message_type=message_type)
        done = await deployment.rest(school, sent["id"])
        assert preview["recipients"] == done["stats"]["recipients"] == recipients
        assert (
            done["stats"]["excluded"]["unsubscribed"] == preview["excluded"]["unsubscribed"] == 2 - recipients
        )
        assert (await deployment.world.get_ledger(sent["id"])).totals.accepted == recipients


async def test_another_school_finds_nothing(deployment: Deployment, school: SchoolClient) -> None:
    await deployment.world.change_settings(behaviour=QUIET)
    await school.push_users(3, marketing="subscribed")
    sent = await school.send(name="Ours")
    campaign = await deployment.rest(school, sent["id"])
    async with deployment.school("Hillside School") as other:
        for path in ("", "/recipients"):
            answer = await other.http.get(f"/v1/campaigns/{campaign['id']}{path}")
            assert answer.status_code == 404
            assert answer.content == (await other.http.get(f"/v1/campaigns/{uuid4()}{path}")).content
        for what in ("pause", "resume", "cancel", "send-now"):
            assert (await post(other, campaign, what)).status_code == 404
        renamed = await other.http.patch(f"/v1/campaigns/{campaign['id']}", json={"name": "Theirs"})
        assert renamed.status_code == 404
        assert (await other.read("/v1/campaigns"))["items"] == []
        assert (await other.read("/v1/directory/users"))["items"] == []
        assert (await other.http.get("/v1/directory/users/u1")).status_code == 404
        audience = {"audience": MESSAGE["audience"], "message_type": "operational"}
        preview = (await other.http.post("/v1/audiences/preview", json=audience)).json()
        assert (preview["matched"], preview["sample"]) == (0, [])
        assert (await other.http.post("/v1/messages", json=MESSAGE)).status_code == 422
    nobody = httpx.AsyncClient(base_url=deployment.stack.api_url, trust_env=False)
    async with nobody:
        assert (await nobody.get(f"/v1/campaigns/{campaign['id']}")).status_code == 401
    assert await school.read(f"/v1/campaigns/{campaign['id']}") == campaign
