"""The table of recipients as SQL: what narrows it, what sorts it, and the rows of one page or of all.

No index serves a sort but that by number: facts change in place (HOT) only while no index holds them. One
campaign's rows lie together, and to choose a page of them only the sort key and the number are sorted.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, case, cast, func, null, or_, select, tuple_

from app.core.errors import Fault, InvalidInput
from app.core.pages import decode_cursor, or_null
from app.recipients.models import Recipient
from app.reports.recipients import FIELDS

COLUMNS: Final = tuple(Recipient.__table__.c[name] for name in FIELDS)
"""What a line is made of."""
_OPENED: Final = or_(Recipient.open_count > 0, Recipient.click_count > 0)
_NAME: Final = Recipient.first_name + " " + Recipient.last_name
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


def escape_like(text: str) -> str:
    """Return the text as a pattern of LIKE that stands for itself."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


def _read_status(calling: Sequence[int]) -> ColumnElement[str]:
    """Return the status as it is shown; `calling` are the numbers in a call to SES right now."""
    if not calling:
        return Recipient.status.expression
    in_call = and_(Recipient.status == "queued", Recipient.number == func.any(list(calling)))
    return case((in_call, "sending"), else_=Recipient.status)


@dataclass(frozen=True, slots=True)
class RecipientFilter:
    """What narrows the table of recipients."""

    delivery_status: tuple[str, ...] = ()
    opened: bool | None = None
    clicked: bool | None = None
    machine_opened: bool | None = None
    machine_clicked: bool | None = None
    unsubscribed: bool | None = None
    user: str | None = None
    q: str | None = None

    def conditions(self, calling: Sequence[int]) -> list[ColumnElement[bool]]:
        """Return the conditions of those that are set; `calling` are the numbers in a call right now."""
        found: list[ColumnElement[bool]] = []
        if self.delivery_status:
            found.append(_read_status(calling).in_(self.delivery_status))
        for wanted, condition in (
            (self.opened, _OPENED),
            (self.clicked, Recipient.click_count > 0),
            (self.machine_opened, Recipient.machine_open_count > 0),
            (self.machine_clicked, Recipient.machine_click_count > 0),
            (self.unsubscribed, Recipient.unsubscribed.expression),
        ):
            if wanted is not None:
                found.append(condition if wanted else ~condition)
        if self.user is not None:
            found.append(Recipient.user == self.user)
        if self.q:
            # One comparison instead of two; who was erased has neither name nor address.
            found.append((_NAME + "\n" + Recipient.email).ilike(f"%{escape_like(self.q)}%"))
        return found

    def digest(self) -> str:
        """Return a short hash, by which a cursor knows the filter it was made under."""
        return hashlib.blake2s(repr(astuple(self)).encode(), digest_size=6).hexdigest()


def _rank_status(calling: Sequence[int]) -> ColumnElement[int]:
    return case({name: place for place, name in enumerate(_PROGRESS)}, value=_read_status(calling))


def _key(column: ColumnElement[Any]) -> Callable[[Sequence[int]], ColumnElement[Any]]:
    return lambda _: column


_INSTANT: Final = datetime.fromisoformat
_WHO: Final = func.lower(func.btrim(_NAME))
# Each key, and how a cursor's part is read back as one. Erased people have no name and come last.
_SORTS: Final[Mapping[str, tuple[Callable[[Sequence[int]], ColumnElement[Any]], Callable[[Any], Any]]]] = {
    "number": (_key(Recipient.number.expression), int),
    "name": (_key(case((Recipient.email.is_(None), null()), else_=cast(_WHO, String))), str),
    "email": (_key(func.lower(Recipient.email)), str),
    "sent_at": (_key(Recipient.accepted_at.expression), _INSTANT),
    "delivery_status": (_rank_status, int),
    "first_opened_at": (_key(func.least(Recipient.first_opened_at, Recipient.first_clicked_at)), _INSTANT),
    "last_opened_at": (_key(func.greatest(Recipient.last_opened_at, Recipient.last_clicked_at)), _INSTANT),
    "open_count": (_key(Recipient.open_count.expression), int),
    "first_clicked_at": (_key(Recipient.first_clicked_at.expression), _INSTANT),
    "last_clicked_at": (_key(Recipient.last_clicked_at.expression), _INSTANT),
    "click_count": (_key(Recipient.click_count.expression), int),
}
SORTS: Final = tuple(sign + name for name in _SORTS for sign in ("", "-"))


def check_sort(value: str) -> str:
    """Return the name of a sort; ValueError for any other."""
    if value not in SORTS:
        raise ValueError(f"must be one of {', '.join(_SORTS)}, with a - before it to turn it round")
    return value


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in a sorted table."""

    key: Any
    number: int


@dataclass(frozen=True, slots=True)
class Table:
    """One campaign's recipients under a filter, in an order; `calling` are in a call to SES right now."""

    school_id: UUID
    campaign_id: UUID
    where: RecipientFilter
    sort: str = "number"
    calling: Sequence[int] = ()

    @property
    def reads_all(self) -> bool:
        """Whether all of the campaign's rows are read for a page of them."""
        return self._name != "number"

    @property
    def _name(self) -> str:
        return self.sort.removeprefix("-")

    @property
    def _descends(self) -> bool:
        return self.sort.startswith("-")

    def read_cursor(self, cursor: str) -> Place:
        """Return the place that a cursor of this sort and filter names; InvalidInput for any other."""
        sort, digest, _, _ = decode_cursor(cursor, str, str, lambda part: part, int)
        if (sort, digest) != (self.sort, self.where.digest()):
            fault = Fault("/cursor", "belongs to another sort or filter; start again without it")
            raise InvalidInput("The cursor does not fit the sort and the filter.", errors=[fault])
        _, _, key, number = decode_cursor(cursor, str, str, or_null(_SORTS[self._name][1]), int)
        return Place(key, number)

    def make_cursor_key(self, row: Any) -> tuple[Any, ...]:
        """Return what a cursor holds of the last row seen."""
        key = row.key.isoformat() if isinstance(row.key, datetime) else row.key
        return (self.sort, self.where.digest(), key, row.number)

    def select_page(self, *, after: Place | None, limit: int) -> Select[*tuple[Any, ...]]:
        """Return the query of COLUMNS and `key`, of the rows after a place."""
        key = self._make_key()
        chosen = select(Recipient.number.label("number"), key.label("key")).where(*self._belongs())
        if after is not None:
            chosen = chosen.where(self._comes_after(after))
        page = chosen.order_by(*self._order(key, Recipient.number.expression)).limit(limit).subquery()
        rows = select(*COLUMNS, page.c.key).join(page, Recipient.number == page.c.number)
        return rows.where(*self._is_of_campaign()).order_by(*self._order(page.c.key, page.c.number))

    def select_all(self) -> Select[*tuple[Any, ...]]:
        """Return the query of COLUMNS of every row."""
        order = self._order(self._make_key(), Recipient.number.expression)
        return select(*COLUMNS).where(*self._belongs()).order_by(*order)

    def _make_key(self) -> ColumnElement[Any]:
        return _SORTS[self._name][0](self.calling)

    def _is_of_campaign(self) -> tuple[ColumnElement[bool], ...]:
        return (Recipient.school_id == self.school_id, Recipient.campaign_id == self.campaign_id)

    def _belongs(self) -> tuple[ColumnElement[bool], ...]:
        return (*self._is_of_campaign(), *self.where.conditions(self.calling))

    def _order(self, key: ColumnElement[Any], number: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
        if not self.reads_all:
            return (number.desc() if self._descends else number,)
        if self._descends:
            return (key.desc().nulls_last(), number.desc())
        return (key.asc().nulls_last(), number)

    def _comes_after(self, place: Place) -> ColumnElement[bool]:
        number = Recipient.number
        further = number < place.number if self._descends else number > place.number
        if not self.reads_all:
            return further
        key = self._make_key()
        if place.key is None:
            return and_(key.is_(None), further)
        here, there = tuple_(key, number), tuple_(place.key, place.number)
        return or_(here < there if self._descends else here > there, key.is_(None))
