"""The whole job: a school is pushed, a campaign goes out, the world reacts, the report is the truth."""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from app.core.clock import now
from app.demo import school as sample
from app.demo.run import send_campaign
from app.simulator.ledger import RecipientSummary
from tests.flow.deployment import SWIFT, Deployment, check_sums
from tests.school import SchoolClient

USERS = 300
DISORDER = {"late": 0.3, "late_seconds": 1.0, "duplicated": 0.3, "shuffle_seconds": 1.0}
LIVELY = SWIFT | {
    "bounced": 0.04,
    "soft_bounced": 0.04,
    "rejected": 0.04,
    "complained": 0.03,
    "out_of_office": 0.03,
    "unsubscribed": 0.04,
}


def is_matched(kind: str, enrollment: dict[str, Any]) -> bool:
    """Judge an enrollment as the contract words it; `current` is either of two others."""
    at = now()
    started = datetime.fromisoformat(enrollment["starts_at"]) <= at
    ends_at = enrollment["ends_at"]
    ended = ends_at is not None and datetime.fromisoformat(ends_at) <= at
    verdicts = {
        "ongoing_enrollments": started and not ended,
        "upcoming_enrollments": not started,
        "current_enrollments": not started or not ended,
        "ended_enrollments": ended,
    }
    return enrollment["status"] == "active" and verdicts[kind]


def count_matches(kind: str, items: dict[str, list[dict[str, Any]]]) -> int:
    """Count the users a filter should match, from what was pushed."""
    if kind == "active_users":
        return sum(user["status"] == "active" for user in items["users"])
    if kind == "group":
        return len({member["user"] for member in items["memberships"]})
    return len({each["user"] for each in items["enrollments"] if is_matched(kind, each)})


async def push_all(school: SchoolClient, items: dict[str, list[dict[str, Any]]]) -> None:
    for resource, records in items.items():
        for start in range(0, len(records), 1000):
            batch = records[start : start + 1000]
            assert (await school.push(resource, *batch))["created"] == len(batch)


async def test_filters_match_whom_they_say(school: SchoolClient) -> None:
    items = sample.make_school(USERS)
    await push_all(school, items)
    kinds = [each["kind"] for each in (await school.read("/v1/audiences/filters"))["filters"]]
    assert {"active_users", "group", "ongoing_enrollments", "ended_enrollments"} <= set(kinds)
    for kind in sorted(
        {*kinds} & {"active_users", "group", *(k for k in kinds if k.endswith("enrollments"))}
    ):
        if kind == "online_enrollments":
            continue
        parameters = {"group": "choir"} if kind == "group" else {}
        audience = {"filter": {"kind": kind, **parameters}}
        answer = await school.http.post(
            "/v1/audiences/preview", json={"audience": audience, "message_type": "marketing"}
        )
        preview = answer.raise_for_status().json()
        assert (kind, preview["matched"]) == (kind, count_matches(kind, items))
        assert preview["matched"] == preview["recipients"] + sum(preview["excluded"].values())
        assert len(preview["sample"]) == min(10, preview["recipients"])


@pytest.mark.parametrize("signature_version", [1, 2])
async def test_report_is_what_the_world_did(
    deployment: Deployment, school: SchoolClient, signature_version: int
) -> None:
    """Events arrive late, twice and out of order, signed either way; no number may suffer."""
    world = deployment.world
    disorder = DISORDER | {"signature_version": signature_version, "seed": signature_version}
    await world.change_settings(behaviour=LIVELY | {"seed": signature_version}, sns=disorder)
    await push_all(school, sample.make_school(USERS, seed=signature_version))
    sent, previewed = await send_campaign(school.http)
    assert sent["status"] == "preparing"
    campaign = await deployment.rest(school, sent["id"])
    stats = campaign["stats"]

    await deployment.check(campaign, recipients=previewed)
    check_sums(stats)
    happened = (
        "bounced_permanent",
        "bounced_soft",
        "failed",
        "complained",
        "opened",
        "clicked",
        "unsubscribed",
    )
    assert [name for name in happened if not stats[name]] == []
    assert (campaign["display_name"], campaign["sent_by"]["name"]) == ("Summer courses", "Marta Ruiz")
    (row,) = (await school.read("/v1/campaigns"))["items"]
    assert row == {name: campaign[name] for name in row}

    rows = await deployment.read_rows(school, f"/v1/campaigns/{sent['id']}/recipients")
    check_rows(rows, stats)
    ledger = await world.get_ledger(sent["id"], recipients=USERS)
    check_people(rows, {each.recipient_id: each for each in ledger.recipients})


def check_rows(rows: list[dict[str, Any]], stats: dict[str, Any]) -> None:
    """Each number of the stats is a count over the rows."""
    by_status = Counter(row["delivery_status"] for row in rows)
    counted = {
        "recipients": len(rows),
        "sent": sum(row["sent"] for row in rows),
        "delivered": by_status["delivered"] + by_status["complained"],
        "complained": by_status["complained"],
        "bounced_permanent": by_status["bounced"],
        "bounced_soft": by_status["soft_bounced"],
        "failed": by_status["failed"],
        "pending": by_status["accepted"],
        "opened": sum(row["opened"] for row in rows),
        "clicked": sum(row["clicked"] for row in rows),
        "opens": sum(row["open_count"] for row in rows),
        "clicks": sum(row["click_count"] for row in rows),
        "machine_opened": sum(row["machine_opened"] for row in rows),
        "machine_clicked": sum(row["machine_clicked"] for row in rows),
        "unsubscribed": sum(row["unsubscribed"] for row in rows),
    }
    assert counted == {name: stats[name] for name in counted}


def check_people(rows: list[dict[str, Any]], truth: dict[str, RecipientSummary]) -> None:
    """Each row says of its person what the simulator did as that person."""
    assert {str(row["id"]) for row in rows} == set(truth)
    for row in rows:
        person = truth[str(row["id"])]
        facts = set(person.facts)
        assert row["email"].lower() == person.address.lower()
        assert (row["open_count"], row["click_count"]) == (person.opens, person.clicks)
        assert row["opened"] == bool(facts & {"opened", "clicked"})
        assert row["unsubscribed"] == ("unsubscribed" in facts)
        assert (row["delivery_status"] == "bounced") == ("bounced" in facts)
        assert (row["delivery_status"] == "complained") == ("complained" in facts)
        bad = row["delivery_status"] in {"bounced", "soft_bounced", "failed"}
        assert row["highlight"] == ("danger" if bad else "success" if row["opened"] else None)
        assert not bad or row["delivery_reason"]
