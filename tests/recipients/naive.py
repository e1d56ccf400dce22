"""What facts come to, worked out the slow and simple way: from the set of all of them at once."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any, Final

from app.recipients.facts import Fact, FactKind

_PROVE_ACCEPTANCE: Final = set(FactKind) - {FactKind.UNKNOWN, FactKind.REQUEUED, FactKind.REFUSED}
_WEIGHT: Final = ["delivery_delay", "refused", "auto_reply", "soft_bounce", "reject", "bounce", "complaint"]
_HANDOFF: Final = {FactKind.REQUEUED: "queued", FactKind.UNKNOWN: "unknown", FactKind.REFUSED: "refused"}
_STEPS: Final = ["queued", "unknown", "refused"]


def work_out(facts: Iterable[Fact], *, links: int | None = None) -> dict[str, Any]:
    """Give the row of a recipient to whom all this happened, in whatever order and however often.

    Without the number of links each visit is what its own request says.
    """
    happened = set(facts)
    reasons = {fact: fact.machine if links is None else tell_why(fact, happened, links) for fact in happened}

    def of(*kinds: FactKind, machine: bool | None = None) -> list[Fact]:
        found = [fact for fact in happened if fact.kind in kinds]
        return found if machine is None else [fact for fact in found if bool(reasons[fact]) is machine]

    opens, clicks = of(FactKind.OPENED, machine=False), of(FactKind.CLICKED, machine=False)
    row = {
        **_hand_off(of(*_HANDOFF)),
        **_acceptance(of(*_PROVE_ACCEPTANCE)),
        "delivered_at": _first(of(FactKind.DELIVERED)),
        "soft_bounced_at": _first(of(FactKind.SOFT_BOUNCED)),
        "auto_replied_at": _first(of(FactKind.AUTO_REPLIED)),
        "bounced_at": _first(of(FactKind.BOUNCED)),
        "complained_at": _first(of(FactKind.COMPLAINED)),
        "rejected_at": _first(of(FactKind.REJECTED)),
        **_reason(happened),
        "first_opened_at": _first(opens),
        "last_opened_at": _first(opens, max),
        "open_count": len(opens),
        "machine_open_count": len(of(FactKind.OPENED, machine=True)),
        "first_clicked_at": _first(clicks),
        "last_clicked_at": _first(clicks, max),
        "click_count": len(clicks),
        "machine_click_count": len(of(FactKind.CLICKED, machine=True)),
        **_subscription(of(FactKind.UNSUBSCRIBED, FactKind.RESUBSCRIBED)),
        "suspected": any(fact.machine for fact in of(FactKind.NOTED)),
    }
    return {"status": _status(row), **row}


def tell_why(visit: Fact, happened: set[Fact], links: int) -> str | None:
    """Say why one visit is a machine's, from all that happened, by trying every span there could be."""
    if visit.machine or visit.kind not in (FactKind.OPENED, FactKind.CLICKED):
        return visit.machine
    clicks = [fact for fact in happened if fact.kind is FactKind.CLICKED]
    delivered_at = _first([fact for fact in happened if fact.kind is FactKind.DELIVERED])
    if visit.kind is FactKind.CLICKED:
        span = timedelta(seconds=min(10, max(3, links)))
        for start in (click.at for click in clicks):
            inside = [click for click in clicks if start <= click.at <= start + span]
            if links > 1 and visit in inside and {click.link for click in inside} >= set(range(1, links + 1)):
                return "every_link"
        if delivered_at and delivered_at - timedelta(minutes=10) <= visit.at <= delivered_at + timedelta(
            seconds=3
        ):
            return "at_delivery"
    for fact in happened:
        about = {"ses_open": FactKind.OPENED, "ses_click": FactKind.CLICKED}.get(fact.note or "")
        near = abs(fact.at - visit.at) <= timedelta(seconds=5)
        if fact.machine and about is visit.kind and near and fact.link in (None, visit.link):
            return "provider"
    return None


def _first(facts: list[Fact], choose: Callable[..., Any] = min) -> Any:
    return choose((fact.at for fact in facts), default=None)


def _hand_off(facts: list[Fact]) -> dict[str, Any]:
    words = [(fact.attempt, _STEPS.index(_HANDOFF[fact.kind])) for fact in facts]
    attempt, step = max([(1, 0), *words])
    return {"attempt": attempt, "handoff": _STEPS[step]}


def _acceptance(facts: list[Fact]) -> dict[str, Any]:
    return {
        "accepted_at": min((fact.mailed_at or fact.at for fact in facts), default=None),
        "message_id": min((fact.message_id for fact in facts if fact.message_id), default=None),
    }


def _reason(facts: set[Fact]) -> dict[str, Any]:
    reasons = [
        (_WEIGHT.index(fact.kind) + 1, fact.at, fact.code or "", fact.diagnostic or "")
        for fact in facts
        if fact.kind in _WEIGHT
    ]
    rank, at, code, diagnostic = max(reasons, default=(0, None, "", ""))
    return {
        "reason_rank": rank,
        "reason_at": at,
        "reason_code": code or None,
        "diagnostic": diagnostic or None,
    }


def _subscription(facts: list[Fact]) -> dict[str, Any]:
    if not facts:
        return {"unsubscribed": False, "unsubscribed_at": None}
    at, gone = max((fact.at, fact.kind is FactKind.UNSUBSCRIBED) for fact in facts)
    return {"unsubscribed": gone, "unsubscribed_at": at}


def _status(row: dict[str, Any]) -> str:
    weightiest = [
        ("complained", row["complained_at"]),
        ("bounced", row["bounced_at"]),
        ("failed", row["rejected_at"]),
        ("soft_bounced", row["soft_bounced_at"]),
        ("delivered", row["delivered_at"]),
        ("soft_bounced", row["auto_replied_at"]),
        ("accepted", row["accepted_at"]),
        ("failed", row["handoff"] == "refused"),
        ("unknown", row["handoff"] == "unknown"),
    ]
    return next((status for status, applies in weightiest if applies), "queued")


def add_up(rows: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Count worked out rows as a report would."""
    people = list(rows)

    def count(applies: Callable[[dict[str, Any]], bool]) -> int:
        return sum(1 for row in people if applies(row))

    return {
        "recipients": len(people),
        "unknown": count(lambda row: row["status"] == "unknown"),
        "failed_before": count(lambda row: row["status"] == "failed" and not row["accepted_at"]),
        "sent": count(lambda row: row["accepted_at"] is not None),
        "failed_after": count(lambda row: row["status"] == "failed" and bool(row["accepted_at"])),
        "delivered": count(lambda row: row["status"] in ("delivered", "complained")),
        "bounced_permanent": count(lambda row: row["status"] == "bounced"),
        "bounced_soft": count(lambda row: row["status"] == "soft_bounced"),
        "complained": count(lambda row: row["status"] == "complained"),
        "opened": count(lambda row: row["open_count"] + row["click_count"] > 0),
        "opened_by_click": count(lambda row: not row["open_count"] and row["click_count"] > 0),
        "opens": sum(row["open_count"] for row in people),
        "clicked": count(lambda row: row["click_count"] > 0),
        "clicks": sum(row["click_count"] for row in people),
        "machine_opened": count(lambda row: row["machine_open_count"] > 0),
        "machine_clicked": count(lambda row: row["machine_click_count"] > 0),
        "unsubscribed": count(lambda row: row["unsubscribed"]),
    }
