"""A school of random people and records, most of them on the edge of something, and how it gets stored."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from sqlalchemy import insert

from app.core.db import Database
from app.core.ids import new_id
from app.directory import models
from app.recipients.models import Recipient, RecipientOutcome
from app.schools.schemas import SchoolCreate
from app.schools.service import create_school

NOW: Final = datetime(2026, 3, 31, 0, 30, tzinfo=UTC)
"""02:30 on the last day of March in Madrid, two days after the clocks were put forward."""
TIMEZONE: Final = "Europe/Madrid"
DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
MONTHS_AGO: Final = (
    datetime(2026, 2, 28, 1, 30, tzinfo=UTC),
    datetime(2025, 12, 31, 1, 30, tzinfo=UTC),
    datetime(2025, 3, 31, 0, 30, tzinfo=UTC),
)
"""One month, three and twelve before NOW on Madrid's calendar."""
EDGES: Final = [
    edge + off
    for edge in (NOW, NOW - DAY, NOW + DAY, NOW - 7 * DAY, NOW + 7 * DAY, *MONTHS_AGO)
    for off in (-TICK, timedelta(0), TICK)
] + [NOW - 40 * DAY, NOW + 40 * DAY, NOW - 400 * DAY]
LATER: Final = [edge for edge in EDGES if edge >= NOW - DAY]

TRAINERS, CATEGORIES, GROUPS = ("t1", "t2", "t3"), ("c1", "c2", "c3"), ("g1", "g2")
Row = dict[str, Any]


@dataclass(slots=True)
class RandomSchool:
    """Rows by table, references by external id; `campaign` is an earlier one with its recipients."""

    users: list[Row] = field(default_factory=list)
    courses: dict[str, Row] = field(default_factory=dict)
    memberships: list[Row] = field(default_factory=list)
    enrollments: list[Row] = field(default_factory=list)
    bookings: list[Row] = field(default_factory=list)
    passes: list[Row] = field(default_factory=list)
    subscriptions: list[Row] = field(default_factory=list)
    orders: list[Row] = field(default_factory=list)
    recipients: list[Row] = field(default_factory=list)
    campaign: UUID = field(default_factory=new_id)


def make_random_school(seed: int) -> RandomSchool:
    """Make the same school of the same seed."""
    random = Random(seed)
    school = RandomSchool()
    for number in range(1, random.randint(1, 7)):
        course = {
            "external_id": f"course{number}",
            "title": "A course",
            "category": random.choice((None, *CATEGORIES)),
            "trainer": random.choice((None, *TRAINERS)),
            "delivery": random.choice(("onsite", "remote", "remote", "hybrid")),
        }
        school.courses[f"course{number}"] = course
    _add_users(school, random)
    _add_records(school, random)
    return school


def _add_users(school: RandomSchool, random: Random) -> None:
    """Families share addresses; what an address wishes or suffers, all who have it do."""
    boxes = [f"box{number}@x.example" for number in range(random.randint(1, 25))] + ["josé@x.example"]
    suppressed = {box for box in boxes if random.random() < 0.1}
    left = {kind: {box for box in boxes if random.random() < 0.15} for kind in ("marketing", "newsletter")}
    wishes = ("subscribed", "subscribed", "unset", "unsubscribed")
    for number in range(random.randint(0, 30)):
        box = random.choice(boxes)
        user: Row = {
            "external_id": f"u{number}",
            "email": box,
            "address_key": box.encode(),
            "wire_address": box if box.isascii() else None,
            "first_name": f"First{number}",
            "last_name": "",
            "status": random.choice(("active", "active", "inactive")),
            "registered_at": random.choice((None, *EDGES)),
            "created_at": NOW - random.choice((1, 2)) * DAY,
            "suppressed": box in suppressed,
            "attributes": {"city": f"City{number}"},
        }
        for kind, boxes_left in left.items():
            user[kind] = "unsubscribed" if box in boxes_left else random.choice(wishes)
        school.users.append(user)
    taken = [user["email"] for user in school.users]
    for user in school.users:
        user["shares_address"] = taken.count(user["email"]) > 1


def _add_records(school: RandomSchool, random: Random) -> None:
    if not school.users:
        return
    names = [user["external_id"] for user in school.users]
    courses = list(school.courses)
    most = 2 * len(names)

    def somebody(kind: str, number: int) -> Row:
        return {"external_id": f"{kind}{number}", "user": random.choice(names)}

    def span(state: str) -> Row:
        start = random.choice(EDGES)
        end = random.choice([edge for edge in EDGES if edge >= start])
        return {"starts_at": start, "ends_at": end, "status": random.choice((state, state, "cancelled"))}

    for number in range(random.randint(0, most) if courses else 0):
        enrollment = somebody("e", number) | span("active") | {"course": random.choice(courses)}
        school.enrollments.append(enrollment | ({"ends_at": None} if random.random() < 0.2 else {}))
    for number in range(random.randint(0, most) if courses else 0):
        own = {"course": random.choice(courses), "trainer": random.choice((None, *TRAINERS))}
        school.bookings.append(somebody("b", number) | span("confirmed") | own)
    for number in range(random.randint(0, most)):
        school.passes.append(
            somebody("p", number)
            | {
                "category": random.choice((None, *CATEGORIES)),
                "valid_from": random.choice([edge for edge in EDGES if edge <= NOW + TICK]),
                "valid_until": random.choice((None, *LATER)),
                "credits_left": random.choice((None, 0, 1, 9)),
                "status": random.choice(("active", "active", "cancelled")),
            }
        )
        school.subscriptions.append(
            somebody("s", number)
            | {
                "category": random.choice((None, *CATEGORIES)),
                "status": random.choice(("active", "trialing", "paused", "cancelled")),
                "current_period_end": random.choice((None, *LATER)),
            }
        )
        school.orders.append(
            somebody("o", number)
            | {
                "course": random.choice((None, *courses)),
                "placed_at": random.choice(EDGES),
                "status": random.choice(("paid", "paid", "refunded", "pending", "cancelled")),
            }
        )
        school.memberships.append(somebody("m", number) | {"group": random.choice(GROUPS)})
    _add_campaign(school, random)


def _add_campaign(school: RandomSchool, random: Random) -> None:
    states = ("queued", "unknown", "accepted", "delivered", "complained", "soft_bounced", "bounced", "failed")
    for number, user in enumerate(random.sample(school.users, random.randint(0, len(school.users))), 1):
        erased = random.random() < 0.1
        school.recipients.append(
            {
                "campaign_id": school.campaign,
                "number": number,
                "user": None if erased else user["external_id"],
                "address_key": user["address_key"],
                "first_name": "",
                "last_name": "",
                "attributes": {},
                "status": random.choice(states),
                "open_count": random.choice((0, 0, 1)),
                "click_count": random.choice((0, 0, 0, 2)),
                "machine_open_count": random.choice((0, 3)),
                "machine_click_count": random.choice((0, 3)),
            }
        )


def _is_fresh(row: Row) -> bool:
    """Tell whether nothing is known of this recipient's mail: then there is no outcome."""
    counts = (row[name] for name in row if name.endswith("_count"))
    return row["status"] == "queued" and not any(counts)


async def store_school(database: Database, school: RandomSchool) -> UUID:
    """Write it all as a new school; return the school's id."""
    async with database.system_transaction() as session:
        wanted = SchoolCreate(
            name="Random",
            timezone=TIMEZONE,
            from_name="Random",
            from_email="news@x.example",
            postal_address="1 River Street",
        )
        school_id = (await create_school(session, wanted=wanted)).id
        named = ((models.Trainer, TRAINERS), (models.Category, CATEGORIES), (models.Group, GROUPS))
        tables: list[tuple[Any, list[Row]]] = [
            *((model, [{"external_id": name, "name": name} for name in names]) for model, names in named),
            (models.User, school.users),
            (models.Course, list(school.courses.values())),
            (models.Membership, school.memberships),
            (models.Enrollment, school.enrollments),
            (models.Booking, school.bookings),
            (models.Pass, school.passes),
            (models.Subscription, school.subscriptions),
            (models.Order, school.orders),
            (Recipient, school.recipients),
            (RecipientOutcome, [row for row in school.recipients if not _is_fresh(row)]),
        ]
        for model, rows in tables:
            if rows:
                table = model.__table__
                own = [{name: row[name] for name in row if name in table.c} for row in rows]
                await session.execute(insert(table), [{"school_id": school_id, **row} for row in own])
    return school_id
