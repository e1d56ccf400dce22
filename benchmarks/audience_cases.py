"""The audiences that are measured, each with its goal and the table its records are in."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

ONE_MS, COMBINED_MS = 300, 600
EVERYBODY = {"filter": {"kind": "recent_accounts", "days": 3650}}
COMBINED: dict[str, Any] = {
    "filter": {
        "kind": "all_of",
        "filters": [
            {"kind": "any_of", "filters": [{"kind": "current_enrollments"}, {"kind": "valid_passes"}]},
            {"kind": "active_users"},
            {"kind": "none_of", "filters": [{"kind": "past_orders", "months": 1}]},
        ],
    },
    "narrow": {"categories": ["category-3", "category-4"], "exclude_remote_courses": True},
}


@dataclass(frozen=True, slots=True)
class Case:
    """An audience to count and show, the table its records are in, and how fast it has to be."""

    name: str
    table: str
    audience: dict[str, Any]
    goal: int = ONE_MS


def list_cases(campaign_id: UUID) -> list[Case]:
    """Return one case for every kind, two of narrowing, and three filters combined and narrowed."""

    def one(kind: str, table: str, **parameters: Any) -> Case:
        detail = ",".join(str(value) for value in parameters.values() if not isinstance(value, list))
        return Case(f"{kind} {detail[:12]}", table, {"filter": {"kind": kind, **parameters}})

    enrolled = [
        one(f"{which}_enrollments", "enrollments")
        for which in ("ongoing", "upcoming", "current", "ended", "online")
    ]
    outcomes = ("any", "opened", "not_opened", "clicked", "not_clicked", "failed")
    earlier = [one("campaign", "recipients", outcome=each, campaign=str(campaign_id)) for each in outcomes]
    two = [{"kind": "ongoing_enrollments"}, {"kind": "valid_passes"}]
    narrow = {"trainers": ["trainer-3"], "exclude_remote_courses": True}
    return [
        *enrolled,
        one("upcoming_bookings", "bookings"),
        one("upcoming_bookings", "bookings", within_days=7),
        one("past_bookings", "bookings"),
        one("past_bookings", "bookings", within_days=30),
        one("valid_passes", "passes"),
        one("active_subscriptions", "subscriptions"),
        one("past_orders", "orders", months=3),
        one("past_orders", "orders", months=24),
        one("recent_accounts", "users", days=30),
        one("recent_accounts", "users", days=3650),
        one("active_users", "users"),
        one("group", "memberships", group="group-3"),
        *earlier,
        one("all_of", "enrollments", filters=two),
        one("any_of", "enrollments", filters=two),
        one("none_of", "users", filters=two),
        Case("active, subscribed", "users", EVERYBODY | {"narrow": {"preferences": ["marketing"]}}),
        Case("enrollments, trainer", "enrollments", {"filter": two[0], "narrow": narrow}),
        Case("active, trainer", "users", {"filter": {"kind": "active_users"}, "narrow": narrow}),
        Case(
            "active, not remote",
            "users",
            {"filter": {"kind": "active_users"}, "narrow": {"exclude_remote_courses": True}},
        ),
        Case("three, narrowed", "enrollments", COMBINED, COMBINED_MS),
        Case(
            "three, subscribed",
            "enrollments",
            COMBINED | {"narrow": {**COMBINED["narrow"], "preferences": ["marketing"]}},
            COMBINED_MS,
        ),
    ]
