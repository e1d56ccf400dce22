"""Every resource can be imported; references are checked, and an import obeys what binds a sync."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from app.core.db import Database
from app.directory.addresses import hash_address
from app.directory.consent import ConsentChange, change_consent, suppress_addresses
from app.directory.models import User
from app.schools.models import School
from tests.directory.imports.files import read_rejections, read_users, send_file, to_ndjson, user
from tests.school import SchoolClient

AT = "2026-01-01T00:00:00Z"
LATER = "2026-02-01T00:00:00Z"
FILES: list[tuple[str, dict[str, Any]]] = [
    ("users", user(1)),
    ("trainers", {"external_id": "t1", "name": "Tess"}),
    ("categories", {"external_id": "k1", "name": "Yoga"}),
    ("groups", {"external_id": "g1", "name": "Parents"}),
    ("memberships", {"external_id": "m1", "group": "g1", "user": "u1"}),
    ("courses", {"external_id": "c1", "title": "Spring", "category": "k1", "trainer": "t1"}),
    ("enrollments", {"external_id": "e1", "user": "u1", "course": "c1", "starts_at": AT}),
    ("bookings", {"external_id": "b1", "user": "u1", "course": "c1", "starts_at": AT, "ends_at": LATER}),
    ("passes", {"external_id": "p1", "user": "u1", "valid_from": AT, "credits_left": 3}),
    ("subscriptions", {"external_id": "s1", "user": "u1", "status": "active"}),
    ("orders", {"external_id": "o1", "user": "u1", "course": "c1", "placed_at": AT}),
]


async def test_every_resource_can_be_imported(school: SchoolClient) -> None:
    for resource, record in FILES:
        done = await send_file(school, to_ndjson(record), resource=resource)
        assert done["created"] == 1, (resource, await read_rejections(school, done))
        read = await school.read(f"/v1/directory/{resource}/{record['external_id']}")
        assert read | record == read


async def test_a_row_that_names_an_unknown_record_is_rejected_by_field(
    school: SchoolClient, other_school: SchoolClient
) -> None:
    await school.push("users", user(1))
    await school.push("courses", {"external_id": "c1", "title": "Ours"})
    await other_school.push("courses", {"external_id": "c9", "title": "Theirs"})
    rows = [
        {"external_id": f"e{number}", "user": person, "course": course, "starts_at": AT}
        for number, (person, course) in enumerate(
            [("u1", "c1"), ("u1", "c9"), ("nobody", "nothing"), ("u1", "c1")], start=1
        )
    ]
    done = await send_file(school, to_ndjson(*rows), resource="enrollments")
    assert (done["created"], done["rows_rejected"]) == (2, 2)
    assert await read_rejections(school, done) == [
        (2, "course", "there is no such record in courses"),
        (3, "user", "there is no such record in users"),
        (3, "course", "there is no such record in courses"),
    ]


async def test_a_rule_of_the_whole_row_is_told(school: SchoolClient) -> None:
    await school.push("users", user(1))
    wrong = {"external_id": "p1", "user": "u1", "valid_from": LATER, "valid_until": AT}
    done = await send_file(school, to_ndjson(wrong), resource="passes")
    assert await read_rejections(school, done) == [(1, "", "valid_until must not be before valid_from")]


async def test_an_import_never_resubscribes(school: SchoolClient, database: Database) -> None:
    left = datetime(2026, 5, 1, tzinfo=UTC)
    async with database.system_transaction() as session:
        secret = await session.scalar(select(School.address_secret).where(School.id == school.id))
        assert secret is not None
        key = hash_address(secret, user(1)["email"])
        change = ConsentChange(school.id, key, "marketing", True, "one-click", None, left)
        assert await change_consent(session, change)
    done = await send_file(
        school, to_ndjson(user(1, marketing="subscribed", newsletter="subscribed"), user(2))
    )
    assert (done["created"], done["preferences_kept"]) == (2, 1)
    kept = (await read_users(school))["u1"]
    assert (kept["marketing"], kept["newsletter"]) == ("unsubscribed", "subscribed")
    newer = user(1, marketing="subscribed", preferences_changed_at="2026-05-02T00:00:00Z")
    assert (await send_file(school, to_ndjson(newer)))["preferences_kept"] == 0
    assert (await read_users(school))["u1"]["marketing"] == "subscribed"


async def test_suppressed_and_shared_addresses_are_known(school: SchoolClient, database: Database) -> None:
    async with database.system_transaction() as session:
        secret = await session.scalar(select(School.address_secret).where(School.id == school.id))
        assert secret is not None
        gone = {
            "school_id": school.id,
            "address_key": hash_address(secret, user(1)["email"]),
            "email": user(1)["email"],
            "reason": "bounce",
            "origin": "ses",
        }
        await suppress_addresses(session, [gone])
    rows = [
        user(1),
        user(2),
        user(3, email="USER2@school.example"),
        user(4),
        user(5, email="josé@school.example"),
    ]
    await send_file(school, to_ndjson(*rows))
    await send_file(school, to_ndjson(user(4, email="user1@SCHOOL.example")))
    await send_file(school, to_ndjson(user(3)))
    async with database.system_transaction() as session:
        found = await session.execute(
            select(User.external_id, User.suppressed, User.shares_address, User.wire_address).where(
                User.school_id == school.id
            )
        )
        facts = {row[0]: tuple(row[1:]) for row in found}
    assert facts == {
        "u1": (True, True, "user1@school.example"),
        "u2": (False, False, "user2@school.example"),
        "u3": (False, False, "user3@school.example"),
        "u4": (True, True, "user1@school.example"),
        "u5": (False, False, None),
    }


async def test_imports_at_once_wait_for_each_other(school: SchoolClient) -> None:
    people = [user(n) for n in range(1, 3001)]
    files = [to_ndjson(*people), to_ndjson(*people[::-1]), to_ndjson(*people[1500:], *people[:1500])]
    done = await asyncio.gather(*(send_file(school, file) for file in files))
    assert sum(each["created"] for each in done) == 3000
    assert all(each["rows_stored"] == 3000 for each in done)
    await send_file(
        school, to_ndjson(*({"external_id": f"g{n}", "name": "G"} for n in range(5))), resource="groups"
    )
    places = [{"external_id": f"m{n}", "group": f"g{n % 5}", "user": f"u{n}"} for n in range(1, 3001)]
    moved = [place | {"group": "g1"} for place in places[::-1]]
    both = await asyncio.gather(
        *(send_file(school, to_ndjson(*rows), resource="memberships") for rows in (places, moved))
    )
    assert sum(each["created"] for each in both) == 3000
