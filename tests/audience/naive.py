"""The rules of audiences once more, person by person in plain Python, knowing nothing of the product.

It reads filters as the JSON they come as, and a school as the rows it was made of.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from tests.audience.random_school import NOW, TIMEZONE, RandomSchool, Row

NOT_NARROWED: Final[Row] = {}


def match(school: RandomSchool, audience: Row) -> list[Row]:
    """Return the users whom the audience means."""
    narrow = audience.get("narrow", NOT_NARROWED)
    return [
        user
        for user in school.users
        if all(user[each] == "subscribed" for each in narrow.get("preferences", ()))
        and names(school, audience["filter"], narrow, user)
    ]


def judge(
    school: RandomSchool, audience: Row, message_type: str, require_opt_in: bool
) -> dict[str, str | None]:
    """Return everyone matched, each with why they are left out, or None."""
    judged = {}
    chosen: dict[str, Row] = {}
    matched = match(school, audience)
    for user in matched:
        reason = judged[user["external_id"]] = _find_reason(user, message_type, require_opt_in)
        if reason is None:
            best = chosen.setdefault(user["email"], user)
            chosen[user["email"]] = min(best, user, key=_age)
    for user in matched:
        if judged[user["external_id"]] is None and chosen[user["email"]] is not user:
            judged[user["external_id"]] = "duplicate_address"
    return judged


def _age(user: Row) -> tuple[bool, datetime, datetime, str]:
    registered = user["registered_at"]
    return registered is None, registered or NOW, user["created_at"], user["external_id"]


def _find_reason(user: Row, message_type: str, require_opt_in: bool) -> str | None:
    if not user["email"].isascii():
        return "unsendable_address"
    if user["suppressed"]:
        return "suppressed"
    if message_type == "operational":
        return None
    wish = user[message_type]
    return "unsubscribed" if wish == "unsubscribed" or (require_opt_in and wish == "unset") else None


def names(school: RandomSchool, asked: Row, narrow: Row, user: Row) -> bool:
    """Tell whether a narrowed filter names a user."""
    match asked["kind"]:
        case "all_of":
            return all(names(school, part, narrow, user) for part in asked["filters"])
        case "any_of":
            return any(names(school, part, narrow, user) for part in asked["filters"])
        case "none_of":
            return not any(names(school, part, NOT_NARROWED, user) for part in asked["filters"])
    return any(survives(school, record, narrow, user) for record in _find_records(school, asked, user))


Record = tuple[str, Row]


def _find_records(school: RandomSchool, asked: Row, user: Row) -> Iterator[Record]:
    """Yield the records that make the user match, each with the kind of record it is."""
    table, condition = _CONDITIONS[asked["kind"]]
    if table == "users":
        rows = [user]
    else:
        rows = [row for row in getattr(school, table) if row["user"] == user["external_id"]]
    for row in rows:
        if condition(school, asked, row):
            yield table, row


def survives(school: RandomSchool, record: Record, narrow: Row, user: Row) -> bool:
    """Tell whether the narrowing leaves a user who matched by this record."""
    table, row = record
    trainers, categories = narrow.get("trainers", ()), narrow.get("categories", ())
    onsite = narrow.get("exclude_remote_courses", False)
    if table in {"enrollments", "bookings", "orders"}:
        return _fits(school, row, trainers, categories, onsite)
    if table in {"passes", "subscriptions"}:
        if categories and row["category"] not in categories:
            return False
        categories = ()
    attended = [*_find_attended(school, user)]
    if trainers or categories:
        return any(_fits(school, each, trainers, categories, onsite) for each in attended)
    if onsite and attended:
        return any(_fits(school, each, (), (), True) for each in attended)
    return True


def _fits(school: RandomSchool, row: Row, trainers: Any, categories: Any, onsite: bool) -> bool:
    course = school.courses.get(row["course"], {})
    trainer = row.get("trainer") or course.get("trainer")
    if trainers and trainer not in trainers:
        return False
    if categories and course.get("category") not in categories:
        return False
    return not (onsite and course.get("delivery") == "remote")


def _find_attended(school: RandomSchool, user: Row) -> Iterator[Row]:
    for row in school.enrollments:
        if row["user"] == user["external_id"] and _is_current(row):
            yield row
    for row in school.bookings:
        if row["user"] == user["external_id"] and row["status"] == "confirmed":
            yield row


def _is_over(end: datetime | None) -> bool:
    return end is not None and end <= NOW


def _is_current(row: Row) -> bool:
    return row["status"] == "active" and (row["starts_at"] > NOW or not _is_over(row["ends_at"]))


def _is_in_window(asked: Row, start: datetime) -> bool:
    since, until = asked.get("from"), asked.get("to")
    if since is not None and start < datetime.fromisoformat(since):
        return False
    return until is None or start < datetime.fromisoformat(until)


def _days(asked: Row) -> timedelta:
    return timedelta(hours=24 * asked.get("within_days", 100_000))


def _months_ago(months: int) -> datetime:
    local = NOW.astimezone(ZoneInfo(TIMEZONE))
    year, month, day = local.year, local.month, local.day
    for _ in range(months):
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    while True:
        try:
            return local.replace(year=year, month=month, day=day)
        except ValueError:
            day -= 1


def _came_to(asked: Row, row: Row) -> Any:
    opened = row["open_count"] + row["click_count"] > 0
    arrived = row["status"] in {"accepted", "delivered", "complained"}
    return {
        "any": True,
        "opened": opened,
        "not_opened": arrived and not opened,
        "clicked": row["click_count"] > 0,
        "not_clicked": arrived and not row["click_count"],
        "failed": row["status"] in {"soft_bounced", "bounced", "failed"},
    }[asked["outcome"]]


def _is_online(school: RandomSchool, row: Row) -> bool:
    return school.courses[row["course"]]["delivery"] in {"remote", "hybrid"}


def _is_valid(row: Row) -> bool:
    has_credits = row["credits_left"] is None or row["credits_left"] > 0
    return (
        row["status"] == "active"
        and row["valid_from"] <= NOW
        and not _is_over(row["valid_until"])
        and has_credits
    )


_CONDITIONS: Final[dict[str, tuple[str, Callable[[RandomSchool, Row, Row], bool]]]] = {
    "ongoing_enrollments": (
        "enrollments",
        lambda _, __, row: _is_current(row) and row["starts_at"] <= NOW,
    ),
    "upcoming_enrollments": (
        "enrollments",
        lambda _, __, row: row["status"] == "active" and row["starts_at"] > NOW,
    ),
    "current_enrollments": ("enrollments", lambda _, __, row: _is_current(row)),
    "ended_enrollments": (
        "enrollments",
        lambda _, __, row: row["status"] == "active" and _is_over(row["ends_at"]),
    ),
    "online_enrollments": (
        "enrollments",
        lambda school, _, row: _is_current(row) and _is_online(school, row),
    ),
    "upcoming_bookings": (
        "bookings",
        lambda _, asked, row: (
            row["status"] == "confirmed"
            and NOW < row["starts_at"] <= NOW + _days(asked)
            and _is_in_window(asked, row["starts_at"])
        ),
    ),
    "past_bookings": (
        "bookings",
        lambda _, asked, row: (
            row["status"] == "confirmed"
            and NOW - _days(asked) < row["ends_at"] <= NOW
            and _is_in_window(asked, row["starts_at"])
        ),
    ),
    "valid_passes": ("passes", lambda _, __, row: _is_valid(row)),
    "active_subscriptions": (
        "subscriptions",
        lambda _, __, row: (
            row["status"] in {"active", "trialing"} and not _is_over(row["current_period_end"])
        ),
    ),
    "past_orders": (
        "orders",
        lambda _, asked, row: (
            row["status"] == "paid" and _months_ago(asked["months"]) < row["placed_at"] <= NOW
        ),
    ),
    "recent_accounts": (
        "users",
        lambda _, asked, row: (
            row["registered_at"] is not None
            and NOW - timedelta(hours=24 * asked["days"]) < row["registered_at"] <= NOW
        ),
    ),
    "active_users": ("users", lambda _, __, row: row["status"] == "active"),
    "group": ("memberships", lambda _, asked, row: row["group"] == asked["group"]),
    "campaign": ("recipients", lambda _, asked, row: _came_to(asked, row)),
}
