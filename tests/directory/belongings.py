"""A person with something of everything the directory can hold, and words that say who it is."""

from typing import Any

from tests.school import SchoolClient

PERSON: dict[str, Any] = {
    "external_id": "zz-quill",
    "email": "Quillon.Zorbatt@Wexler.example",
    "first_name": "Quillon",
    "last_name": "Zorbatt",
    "locale": "es-xq",
    "attributes": {"city": "Ziguinchor"},
    "marketing": "subscribed",
}
TELLTALE = ("zz-quill", "quillon", "zorbatt", "wexler", "ziguinchor", "es-xq")
"""Lower-case words of which none may be found once the person is erased."""

COMMON: list[tuple[str, dict[str, Any]]] = [
    ("groups", {"external_id": "g1", "name": "Choir"}),
    ("categories", {"external_id": "k1", "name": "Music"}),
    ("trainers", {"external_id": "t1", "name": "Tess"}),
    ("courses", {"external_id": "c1", "title": "Singing", "category": "k1", "trainer": "t1"}),
]
START, END = "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"
OWN: list[tuple[str, dict[str, Any]]] = [
    ("memberships", {"external_id": "m1", "group": "g1"}),
    ("enrollments", {"external_id": "e1", "course": "c1", "starts_at": START}),
    ("bookings", {"external_id": "b1", "course": "c1", "starts_at": START, "ends_at": END}),
    ("passes", {"external_id": "p1", "category": "k1", "valid_from": START}),
    ("subscriptions", {"external_id": "s1", "status": "active"}),
    ("orders", {"external_id": "o1", "course": "c1", "placed_at": START}),
]


async def push_person(school: SchoolClient) -> None:
    """Push the person with one record of each kind."""
    await school.push("users", PERSON)
    for resource, record in COMMON:
        await school.push(resource, record)
    for resource, record in OWN:
        await school.push(resource, record | {"user": PERSON["external_id"]})
