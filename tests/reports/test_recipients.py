"""The table of recipients, field by field: what happened to each person, in words and colours."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.core.db import Database
from app.recipients.facts import FactKind
from tests.campaigns.prepared import record, send_prepared
from tests.school import SchoolClient

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
FRESH: dict[str, Any] = {
    "id": 1,
    "user": "u1",
    "name": "First1",
    "profile_url": None,
    "email": "user1@school.example",
    "sent": False,
    "sent_at": None,
    "delivery_status": "queued",
    "delivery_reason": None,
    "diagnostic": None,
    "opened": False,
    "first_opened_at": None,
    "last_opened_at": None,
    "open_count": 0,
    "clicked": False,
    "first_clicked_at": None,
    "last_clicked_at": None,
    "click_count": 0,
    "machine_opened": False,
    "machine_clicked": False,
    "unsubscribed": False,
    "highlight": None,
}


async def _happen(
    school: SchoolClient, database: Database, *facts: tuple[FactKind, dict[str, Any]]
) -> dict[str, Any]:
    """Send to one person, let the facts happen, and return the person's line."""
    await school.push_users(1)
    campaign = await send_prepared(school, database)
    for kind, details in facts:
        await record(database, school, campaign, 1, kind, **({"at": AT} | details))
    (line,) = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    assert isinstance(line, dict)
    return line


async def test_a_person_not_yet_mailed(school: SchoolClient, database: Database) -> None:
    assert await _happen(school, database) == FRESH


async def test_a_delivered_mail(school: SchoolClient, database: Database) -> None:
    line = await _happen(
        school, database, (FactKind.ACCEPTED, {}), (FactKind.DELIVERED, {"at": LATER, "mailed_at": AT})
    )
    sent = {"sent": True, "sent_at": "2026-03-01T12:00:00Z", "delivery_status": "delivered"}
    assert line == FRESH | sent


async def test_an_accepted_mail_waits(school: SchoolClient, database: Database) -> None:
    line = await _happen(school, database, (FactKind.ACCEPTED, {}))
    assert (line["sent"], line["delivery_status"], line["highlight"]) == (True, "accepted", None)


async def test_a_delay_is_told_until_it_is_over(school: SchoolClient, database: Database) -> None:
    delay = (FactKind.DELAYED, {"code": "mailbox_full", "diagnostic": "452 try later"})
    line = await _happen(school, database, delay)
    assert (line["delivery_status"], line["diagnostic"]) == ("accepted", "452 try later")
    assert line["delivery_reason"] == "Delayed: mailbox full"
    line = await _happen(school, database, delay, (FactKind.DELIVERED, {}))
    assert (line["delivery_reason"], line["diagnostic"]) == (None, None)


async def test_bounces_are_red_and_say_why(school: SchoolClient, database: Database) -> None:
    hard = {"code": "no_such_user", "diagnostic": "smtp; 550 5.1.1 user unknown"}
    line = await _happen(school, database, (FactKind.BOUNCED, hard))
    assert (line["delivery_status"], line["highlight"]) == ("bounced", "danger")
    assert line["delivery_reason"] == "No such mailbox (hard bounce)"
    assert line["diagnostic"] == "smtp; 550 5.1.1 user unknown"
    line = await _happen(school, database, (FactKind.SOFT_BOUNCED, {"code": "mailbox_full"}))
    assert (line["delivery_status"], line["highlight"]) == ("soft_bounced", "danger")
    assert line["delivery_reason"] == "Mailbox full (soft bounce)"


async def test_failures_are_red_and_say_why(school: SchoolClient, database: Database) -> None:
    refused = {"code": "MESSAGE_REJECTED", "diagnostic": "Address is not verified."}
    line = await _happen(school, database, (FactKind.REFUSED, refused))
    assert (line["delivery_status"], line["sent"], line["highlight"]) == ("failed", False, "danger")
    assert line["delivery_reason"] == "Rejected by Amazon SES"
    assert line["diagnostic"] == "Address is not verified."
    line = await _happen(school, database, (FactKind.REJECTED, {"code": "bad_content"}))
    assert (line["delivery_status"], line["sent"], line["highlight"]) == ("failed", True, "danger")
    assert line["delivery_reason"] == "Rejected by Amazon SES: it found a virus"


async def test_a_complaint_was_delivered(school: SchoolClient, database: Database) -> None:
    line = await _happen(school, database, (FactKind.COMPLAINED, {"code": "abuse"}))
    assert (line["delivery_status"], line["delivery_reason"]) == ("complained", "Marked as spam")
    assert line["highlight"] is None


async def test_a_hand_off_cut_short_is_unknown(school: SchoolClient, database: Database) -> None:
    line = await _happen(school, database, (FactKind.UNKNOWN, {}))
    assert (line["delivery_status"], line["sent"]) == ("unknown", False)
    assert line["delivery_reason"]


async def test_opens_are_green_with_times_and_count(school: SchoolClient, database: Database) -> None:
    line = await _happen(
        school,
        database,
        (FactKind.DELIVERED, {}),
        (FactKind.OPENED, {"at": LATER}),
        (FactKind.OPENED, {"at": LATER + timedelta(hours=1)}),
    )
    assert (line["opened"], line["open_count"], line["highlight"]) == (True, 2, "success")
    assert line["first_opened_at"] == "2026-03-01T13:00:00Z"
    assert line["last_opened_at"] == "2026-03-01T14:00:00Z"
    assert (line["clicked"], line["click_count"]) == (False, 0)


async def test_a_click_is_an_open(school: SchoolClient, database: Database) -> None:
    line = await _happen(school, database, (FactKind.CLICKED, {"at": LATER, "link": 1}))
    assert (line["clicked"], line["click_count"], line["opened"], line["open_count"]) == (True, 1, True, 0)
    assert line["first_clicked_at"] == line["last_clicked_at"] == "2026-03-01T13:00:00Z"
    assert line["first_opened_at"] == "2026-03-01T13:00:00Z"
    assert line["highlight"] == "success"


async def test_machines_are_no_people(school: SchoolClient, database: Database) -> None:
    line = await _happen(
        school,
        database,
        (FactKind.DELIVERED, {}),
        (FactKind.OPENED, {"machine": "proxy"}),
        (FactKind.CLICKED, {"machine": "scanner", "link": 1}),
    )
    assert (line["opened"], line["clicked"], line["highlight"]) == (False, False, None)
    assert (line["machine_opened"], line["machine_clicked"]) == (True, True)
    assert (line["first_opened_at"], line["open_count"], line["click_count"]) == (None, 0, 0)


async def test_red_goes_before_green(school: SchoolClient, database: Database) -> None:
    line = await _happen(school, database, (FactKind.OPENED, {}), (FactKind.SOFT_BOUNCED, {}))
    assert (line["opened"], line["highlight"]) == (True, "danger")


async def test_who_unsubscribed_is_shown_and_who_came_back(school: SchoolClient, database: Database) -> None:
    line = await _happen(school, database, (FactKind.UNSUBSCRIBED, {}))
    assert line["unsubscribed"] is True
    line = await _happen(
        school, database, (FactKind.UNSUBSCRIBED, {}), (FactKind.RESUBSCRIBED, {"at": LATER})
    )
    assert line["unsubscribed"] is False


async def test_profiles_are_linked_by_the_schools_template(school: SchoolClient, database: Database) -> None:
    template = "https://school.example/people/{external_id}/profile"
    await school.http.patch("/v1/school", json={"profile_url_template": template})
    await school.push("users", {"external_id": "a/ü 1?", "email": "x@school.example", "last_name": "Bell"})
    campaign = await send_prepared(school, database)
    (line,) = (await school.read(f"/v1/campaigns/{campaign}/recipients"))["items"]
    assert line["profile_url"] == "https://school.example/people/a%2F%C3%BC%201%3F/profile"
    assert (line["user"], line["name"]) == ("a/ü 1?", "Bell")
