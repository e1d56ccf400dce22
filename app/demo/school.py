"""A believable school: users with names, families that share addresses, courses, enrollments, groups."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from app.core.clock import now

FIRST_NAMES = [
    "Ana",
    "Ben",
    "Carla",
    "David",
    "Elena",
    "Farid",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "Kaori",
    "Liam",
    "Maya",
    "Noah",
    "Olivia",
    "Pablo",
    "Quinn",
    "Rosa",
    "Samuel",
    "Tara",
    "Umar",
    "Vera",
    "William",
    "Ximena",
    "Yusuf",
    "Zoe",
    "Aïcha",
    "Björn",
    "Chloé",
    "Đorđe",
    "Łukasz",
    "Øyvind",
    "Siobhán",
    "Þóra",
    "美咲",
    "Владимир",
]
LAST_NAMES = [
    "García",
    "Smith",
    "Müller",
    "Rossi",
    "Novák",
    "Kowalska",
    "Nguyen",
    "O'Brien",
    "Silva",
    "Dubois",
    "Andersson",
    "Okafor",
    "Haddad",
    "Tanaka",
    "Costa",
    "Fischer",
    "Brown",
    "Petrov",
    "Jensen",
    "Moreau",
    "López",
    "Martin",
    "Weber",
    "Ricci",
    "Kaya",
    "Singh",
    "Evans",
    "Martínez",
    "Bauer",
    "Conti",
]
COURSES = (
    ("guitar", "Guitar for beginners", "music", "t-1", "onsite"),
    ("piano", "Piano, second year", "music", "t-2", "onsite"),
    ("english", "English B2 evenings", "languages", "t-3", "hybrid"),
    ("spanish", "Spanish online", "languages", "t-4", "remote"),
    ("pottery", "Pottery workshop", "crafts", "t-5", "onsite"),
    ("chess", "Chess club", "games", "t-1", "remote"),
)
SUBJECT = '{{ first_name | "Hello" }}, your summer courses are open'
HTML = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Summer courses</title></head>
<body style="margin:0;font-family:Arial,sans-serif;color:#1f2937">
<h1>Summer at {{ school_name }}</h1>
<p>Dear {{ first_name | "friend" }},</p>
<p>Enrolment for the summer is open. As you were with us this term, you choose first until Friday.</p>
<p><a href="https://riverside.example/summer?utm_source=mail">See the summer courses</a></p>
<p>Want something new?
<a href="https://riverside.example/trial?name={{ first_name }}">Book a trial lesson</a>,
or read <a href="https://riverside.example/stories/pottery">how Rosa found pottery</a>.</p>
<p>Questions? <a href="mailto:office@riverside.example">Write to the office</a>.</p>
</body>
</html>
"""


def make_users(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Make users; some share an address with a sibling, some have unsubscribed, some are inactive."""
    email = ""
    for number in range(1, count + 1):
        first, last = chance.choice(FIRST_NAMES), chance.choice(LAST_NAMES)
        if number == 1 or chance.random() > 0.02:
            email = f"user{number}@{chance.choice(('gmail', 'outlook', 'icloud', 'riverside'))}.example"
        yield {
            "external_id": f"u-{number}",
            "email": email,
            "first_name": first if chance.random() > 0.01 else "",
            "last_name": last,
            "status": "active" if chance.random() > 0.05 else "inactive",
            "registered_at": _days_from_now(-chance.randint(1, 1500)),
            "marketing": chance.choices(("subscribed", "unset", "unsubscribed"), (70, 26, 4))[0],
            "newsletter": chance.choices(("subscribed", "unset", "unsubscribed"), (60, 35, 5))[0],
            "locale": chance.choice(("en", "es", "de", "ja")),
            "attributes": {"level": chance.choice(("A1", "B1", "C1"))},
        }


def make_enrollments(count: int, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Enrol most users: ended, ongoing, upcoming, some cancelled."""
    for number in range(1, count + 1):
        for _ in range(chance.choices((0, 1, 2), (15, 65, 20))[0]):
            begins = chance.randint(-400, 60)
            yield {
                "user": f"u-{number}",
                "course": chance.choice(COURSES)[0],
                "starts_at": _days_from_now(begins),
                "ends_at": None
                if chance.random() < 0.1
                else _days_from_now(begins + chance.randint(60, 300)),
                "status": "active" if chance.random() > 0.06 else "cancelled",
            }


def make_school(users: int, *, seed: int = 1) -> dict[str, list[dict[str, Any]]]:
    """Return the items of every resource, in an order in which references are always known."""
    chance = random.Random(seed)  # noqa: S311  # a sample, not a secret
    enrollments = enumerate(make_enrollments(users, chance), start=1)
    return {
        "users": list(make_users(users, chance)),
        "trainers": [
            {"external_id": f"t-{n}", "name": f"{FIRST_NAMES[n]} {LAST_NAMES[n]}"} for n in range(1, 6)
        ],
        "categories": [
            {"external_id": name, "name": name.capitalize()}
            for name in ("music", "languages", "crafts", "games")
        ],
        "groups": [{"external_id": "choir", "name": "Choir"}],
        "courses": [
            {
                "external_id": key,
                "title": title,
                "category": category,
                "trainer": trainer,
                "delivery": delivery,
            }
            for key, title, category, trainer, delivery in COURSES
        ],
        "memberships": [
            {"external_id": f"m-{n}", "group": "choir", "user": f"u-{n}"} for n in range(1, min(users, 41))
        ],
        "enrollments": [{"external_id": f"e-{n}", **enrollment} for n, enrollment in enrollments],
    }


def _days_from_now(days: int) -> str:
    instant: datetime = now() + timedelta(days=days)
    return instant.isoformat()
