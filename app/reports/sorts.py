"""What the table of recipients can be sorted by."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, String, case, cast, func, null

from app.reports.narrowing import Source

_PROGRESS: Final = (
    "queued",
    "sending",
    "unknown",
    "accepted",
    "delivered",
    "complained",
    "soft_bounced",
    "bounced",
    "failed",
)
"""Delivery statuses as they are sorted: from what is still to come to what went wrong."""


def _rank_status(of: Source) -> ColumnElement[int]:
    return case({name: place for place, name in enumerate(_PROGRESS)}, value=of.shown_status)


def _order_name(of: Source) -> ColumnElement[Any]:
    return case((of.email.is_(None), null()), else_=cast(func.lower(func.btrim(of.name)), String))


_INSTANT: Final = datetime.fromisoformat
OF_PEOPLE: Final = frozenset({"name", "email"})
"""What is sorted by who people are, and not by what became of their mail; `number` is neither."""
# Each key, and how a cursor's part is read back as one. Erased people have no name and come last.
_SORTS: Final[Mapping[str, tuple[Callable[[Source], ColumnElement[Any]], Callable[[Any], Any]]]] = {
    "number": (lambda of: of.number, int),
    "name": (_order_name, str),
    "email": (lambda of: func.lower(of.email), str),
    "sent_at": (lambda of: of.accepted_at, _INSTANT),
    "delivery_status": (_rank_status, int),
    "first_opened_at": (lambda of: func.least(of.first_opened_at, of.first_clicked_at), _INSTANT),
    "last_opened_at": (lambda of: func.greatest(of.last_opened_at, of.last_clicked_at), _INSTANT),
    "open_count": (lambda of: of.open_count, int),
    "first_clicked_at": (lambda of: of.first_clicked_at, _INSTANT),
    "last_clicked_at": (lambda of: of.last_clicked_at, _INSTANT),
    "click_count": (lambda of: of.click_count, int),
}
SORTS: Final = tuple(sign + name for name in _SORTS for sign in ("", "-"))


def check_sort(value: str) -> str:
    """Return the name of a sort; ValueError for any other."""
    if value not in SORTS:
        raise ValueError(f"must be one of {', '.join(_SORTS)}, with a - before it to turn it round")
    return value


def make_key(sort: str, of: Source) -> ColumnElement[Any]:
    """Return what a sort, whichever way, sorts by."""
    return _SORTS[sort.removeprefix("-")][0](of)


def read_key(sort: str) -> Callable[[Any], Any]:
    """Return how a cursor's part is read back as the key of a sort; ValueError from it for any other."""
    return _SORTS[sort.removeprefix("-")][1]


def reads_all(sort: str) -> bool:
    """Tell whether all of a campaign's rows are read for a page sorted so."""
    return sort.removeprefix("-") != "number"
