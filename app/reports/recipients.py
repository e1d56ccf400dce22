"""A recipient's row becomes a line of the report (pure): the same one in the table and in the file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Literal, NamedTuple
from urllib.parse import quote

from app.delivery.doubt import Doubt
from app.recipients.facts import FactKind
from app.recipients.outcome import REASON_RANKS
from app.reports.reasons import explain
from app.reports.schemas import DeliveryStatus

_EXPLAINS = {
    "failed": {FactKind.REFUSED, FactKind.REJECTED},
    "soft_bounced": {FactKind.SOFT_BOUNCED, FactKind.AUTO_REPLIED},
    "bounced": {FactKind.BOUNCED},
    "complained": {FactKind.COMPLAINED},
    "delivered": {FactKind.AUTO_REPLIED},
    "accepted": {FactKind.DELAYED},
}
"""Which kinds of fact explain a status: a delay does not explain a delivery."""
_KIND_BY_RANK: Mapping[int, FactKind] = {rank: kind for kind, rank in REASON_RANKS.items()}
_RED = frozenset({"bounced", "soft_bounced", "failed"})
_NO_DOUBT = Doubt()

FIELDS = (
    *("number", "user", "email", "first_name", "last_name", "status", "accepted_at", "reason_rank"),
    *("reason_code", "diagnostic", "first_opened_at", "last_opened_at", "open_count"),
    *("first_clicked_at", "last_clicked_at", "click_count", "machine_open_count", "machine_click_count"),
    "unsubscribed",
)
"""The columns of a recipient that its line is made of."""
_read = attrgetter(*FIELDS)


class Line(NamedTuple):
    """One recipient, in the order of the file's columns; `schemas.RecipientView` says what each is."""

    id: int
    user: str | None
    name: str
    profile_url: str | None
    email: str | None
    sent: bool
    sent_at: datetime | None
    delivery_status: DeliveryStatus
    delivery_reason: str | None
    diagnostic: str | None
    opened: bool
    first_opened_at: datetime | None
    last_opened_at: datetime | None
    open_count: int
    clicked: bool
    first_clicked_at: datetime | None
    last_clicked_at: datetime | None
    click_count: int
    machine_opened: bool
    machine_clicked: bool
    unsubscribed: bool
    highlight: Literal["danger", "success"] | None


def make_line(row: Any, *, calling: bool, profile_template: str | None, doubt: Doubt | None = None) -> Line:
    """Make the line of whatever has FIELDS as attributes; `calling` tells that it is in a call to SES now.

    `doubt` says of one who is unknown why, where that was kept.
    """
    return make_line_of(_read(row), calling=calling, profile_template=profile_template, doubt=doubt)


def make_line_of(
    values: Sequence[Any], *, calling: bool, profile_template: str | None, doubt: Doubt | None = None
) -> Line:
    """Make the line of the values of FIELDS, in their order: the quick way, for very many."""
    number, user, email, first_name, last_name, status, sent_at, rank, code, diagnostic, *facts = values
    opened_at, opened_last, opens, clicked_at, clicked_last, clicks, *machine, unsubscribed = facts
    if calling and status == "queued":
        status = "sending"
    reason = None
    if status == "unknown":
        reason, diagnostic = (doubt or _NO_DOUBT).explain(), None
    elif status in _EXPLAINS and (kind := _KIND_BY_RANK.get(rank)) in _EXPLAINS[status]:
        reason = explain(kind, code, delivered=status == "delivered")
    else:
        diagnostic = None
    opened = opens > 0 or clicks > 0
    return Line(
        number,
        user,
        f"{first_name} {last_name}".strip(),
        _make_profile_url(profile_template, user),
        email,
        sent_at is not None,
        sent_at,
        status,
        reason,
        diagnostic,
        opened,
        # A click is an open, whether or not the images were ever loaded.
        min(opened_at, clicked_at) if opened_at and clicked_at else opened_at or clicked_at,
        max(opened_last, clicked_last) if opened_last and clicked_last else opened_last or clicked_last,
        opens,
        clicks > 0,
        clicked_at,
        clicked_last,
        clicks,
        machine[0] > 0,
        machine[1] > 0,
        unsubscribed,
        "danger" if status in _RED else "success" if opened else None,
    )


def _make_profile_url(template: str | None, user: str | None) -> str | None:
    return template.replace("{external_id}", quote(user, safe="")) if template and user else None
