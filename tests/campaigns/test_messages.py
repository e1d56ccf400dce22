"""Sending is the campaign: what is answered, what is kept, who sent it, and when it goes."""

from datetime import timedelta

from app.core.clock import now
from tests.directory.faults import read_faults
from tests.school import MESSAGE, SchoolClient

HOUR = timedelta(hours=1)


async def test_a_message_is_a_campaign_at_once(school: SchoolClient) -> None:
    await school.push_users(3)
    answer = await school.http.post("/v1/messages", json=MESSAGE | {"name": "  Spring  "})
    assert answer.status_code == 202
    campaign = answer.json()
    assert answer.headers["location"] == f"/v1/campaigns/{campaign['id']}"
    assert (campaign["name"], campaign["display_name"]) == ("Spring", "Spring")
    assert (campaign["status"], campaign["status_reason"]) == ("preparing", None)
    assert (campaign["message_type"], campaign["subject"]) == ("marketing", "Hello {{ first_name }}")
    assert campaign["timezone"] == "Europe/Madrid"
    assert campaign["sent_at"].endswith("Z")
    assert (campaign["scheduled_for"], campaign["completed_at"]) == (None, None)
    listed = (await school.read("/v1/campaigns"))["items"]
    assert [row["id"] for row in listed] == [campaign["id"]]
    assert {name: listed[0][name] for name in campaign} == campaign


async def test_a_campaign_without_a_name_is_untitled(school: SchoolClient) -> None:
    await school.push_users(1)
    campaign = await school.send()
    assert (campaign["name"], campaign["display_name"]) == (None, "Untitled")


async def test_the_key_sends_unless_somebody_is_named(school: SchoolClient) -> None:
    await school.push_users(1)
    by_key = (await school.send())["sent_by"]
    assert by_key["name"] == "Tests"
    assert len(by_key["id"]) == 36
    ann = {"id": "admin-7", "name": "Ann Bell"}
    campaign = await school.send(sent_by=ann)
    assert campaign["sent_by"] == ann
    assert (await school.read(f"/v1/campaigns/{campaign['id']}"))["sent_by"] == ann


async def test_what_was_sent_is_kept_as_written(school: SchoolClient) -> None:
    await school.push_users(1)
    written = {
        "html": "<BODY>\r\n<a href='https://school.example/?a=1&b=2'>ü</a></BODY>",
        "text": "Hi",
        "preheader": "Look",
        "from_name": "The Office",
        "reply_to": "office@school.example",
        "track_opens": False,
    }
    campaign = await school.send(**written)
    detail = await school.read(f"/v1/campaigns/{campaign['id']}")
    assert {name: detail["content"][name] for name in written} == written
    assert detail["content"]["from_email"] == "news@school.example"
    assert detail["audience"] == MESSAGE["audience"]
    assert detail["links"] == [{"number": 1, "url": "https://school.example/?a=1&b=2"}]


async def test_sender_and_reply_address_come_from_the_school(school: SchoolClient) -> None:
    await school.push_users(1)
    await school.http.patch("/v1/school", json={"from_name": "Front Desk", "reply_to": "desk@school.example"})
    content = (await school.read(f"/v1/campaigns/{(await school.send())['id']}"))["content"]
    assert (content["from_name"], content["reply_to"]) == ("Front Desk", "desk@school.example")


async def test_a_message_for_later_is_scheduled(school: SchoolClient) -> None:
    await school.push_users(1)
    campaign = await school.send(send_at=(now() + HOUR).isoformat())
    assert (campaign["status"], campaign["sent_at"]) == ("scheduled", None)
    assert campaign["scheduled_for"].endswith("Z")


async def test_a_time_already_past_means_now(school: SchoolClient) -> None:
    await school.push_users(1)
    campaign = await school.send(send_at=(now() - HOUR).isoformat())
    assert (campaign["status"], campaign["scheduled_for"]) == ("preparing", None)


async def test_a_campaign_can_be_renamed(school: SchoolClient, other_school: SchoolClient) -> None:
    await school.push_users(1)
    path = f"/v1/campaigns/{(await school.send())['id']}"
    renamed = await school.http.patch(path, json={"name": "New"})
    assert (renamed.status_code, renamed.json()["display_name"]) == (200, "New")
    cleared = await school.http.patch(path, json={"name": None})
    assert cleared.json()["display_name"] == "Untitled"
    assert set(read_faults(await school.http.patch(path, json={}))) == {"/name"}
    assert set(read_faults(await school.http.patch(path, json={"name": "x" * 256}))) == {"/name"}
    assert set(read_faults(await school.http.patch(path, json={"name": "x", "subject": "y"}))) == {"/subject"}
    read_faults(await other_school.http.patch(path, json={"name": "Mine"}), 404)


async def test_moves_over_http(school: SchoolClient, other_school: SchoolClient) -> None:
    await school.push_users(1)
    path = f"/v1/campaigns/{(await school.send(send_at=(now() + HOUR).isoformat()))['id']}"
    read_faults(await other_school.http.post(f"{path}/cancel"), 404)
    refused = await school.http.post(f"{path}/resume")
    read_faults(refused, 409)
    assert refused.json()["campaign_status"] == "scheduled"
    started = (await school.http.post(f"{path}/send-now")).json()
    assert started["status"] == "preparing"
    assert started["sent_at"] is not None
    cancelled = (await school.http.post(f"{path}/cancel")).json()
    assert (cancelled["status"], cancelled["status_reason"]) == ("cancelled", "Cancelled by Tests.")
    assert cancelled["completed_at"] is not None
    read_faults(await school.http.post(f"{path}/cancel"), 409)
    read_faults(await school.http.post("/v1/campaigns/not-an-id/cancel"))
