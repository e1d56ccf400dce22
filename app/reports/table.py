"""The table of recipients as SQL: what narrows it, what sorts it, and the rows of one page or of all.

No index serves a sort but that by number: facts change in place (HOT) only while no index holds them. One
campaign's rows lie together, and to choose a page only the table that the sort and the filters speak of is
read, of who people are or of what became of them, and only the sort key and the number are sorted.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    null,
    or_,
    select,
    tuple_,
)

from app.core.errors import Fault, InvalidInput
from app.core.pages import decode_cursor, or_null
from app.recipients.standing import OUTCOMES, STANDING, WHO
from app.reports.recipients import FIELDS

COLUMNS: Final = tuple(STANDING.c[name] for name in FIELDS)
"""What a line is made of."""
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


@dataclass(frozen=True, slots=True)
class Source:
    """The table that rows are chosen from; `calling` are the numbers in a call to SES right now."""

    table: FromClause
    calling: Sequence[int] = ()

    def __getattr__(self, name: str) -> ColumnElement[Any]:
        """Return the column of this name."""
        return self.table.c[name]

    @property
    def shown_status(self) -> ColumnElement[str]:
        """The status as it is shown."""
        if not self.calling:
            return self.status
        in_call = and_(self.status == "queued", self.number == func.any(list(self.calling)))
        return case((in_call, "sending"), else_=self.status)

    @property
    def was_opened(self) -> ColumnElement[bool]:
        """Whether there was an open, or a click, which is one."""
        return or_(self.open_count > 0, self.click_count > 0)

    @property
    def name(self) -> ColumnElement[str]:
        """First and last name."""
        return self.first_name + " " + self.last_name


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

    @property
    def of_outcomes(self) -> bool:
        """Whether it asks what became of the mail."""
        flags = (self.opened, self.clicked, self.machine_opened, self.machine_clicked, self.unsubscribed)
        return bool(self.delivery_status) or any(flag is not None for flag in flags)

    @property
    def of_people(self) -> bool:
        """Whether it asks who they are."""
        return self.user is not None or bool(self.q)

    def conditions(self, of: Source) -> list[ColumnElement[bool]]:
        """Return the conditions of those that are set."""
        found: list[ColumnElement[bool]] = []
        if self.delivery_status:
            found.append(of.shown_status.in_(self.delivery_status))
        for wanted, find in _FLAGS:
            if (flag := getattr(self, wanted)) is not None:
                found.append(find(of) if flag else ~find(of))
        if self.user is not None:
            found.append(of.user == self.user)
        if self.q:
            # One comparison instead of two; who was erased has neither name nor address.
            found.append((of.name + "\n" + of.email).ilike(f"%{escape_like(self.q)}%"))
        return found

    def digest(self) -> str:
        """Return a short hash, by which a cursor knows the filter it was made under."""
        return hashlib.blake2s(repr(astuple(self)).encode(), digest_size=6).hexdigest()


_FLAGS: Final[Sequence[tuple[str, Callable[[Source], ColumnElement[bool]]]]] = (
    ("opened", lambda of: of.was_opened),
    ("clicked", lambda of: of.click_count > 0),
    ("machine_opened", lambda of: of.machine_open_count > 0),
    ("machine_clicked", lambda of: of.machine_click_count > 0),
    ("unsubscribed", lambda of: of.unsubscribed),
)


def _rank_status(of: Source) -> ColumnElement[int]:
    return case({name: place for place, name in enumerate(_PROGRESS)}, value=of.shown_status)


def _order_name(of: Source) -> ColumnElement[Any]:
    return case((of.email.is_(None), null()), else_=cast(func.lower(func.btrim(of.name)), String))


_INSTANT: Final = datetime.fromisoformat
_OF_PEOPLE: Final = frozenset({"name", "email"})
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


@dataclass(frozen=True, slots=True)
class Place:
    """A row's place in a sorted table."""

    key: Any
    number: int


@dataclass(frozen=True, slots=True)
class Table:
    """One campaign's recipients under a filter, in an order; `calling` are in a call to SES right now.

    With `all_begun` something is known of every one, so that what became of them can be read alone.
    """

    school_id: UUID
    campaign_id: UUID
    where: RecipientFilter
    sort: str = "number"
    calling: Sequence[int] = ()
    all_begun: bool = False

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

    @property
    def _source(self) -> Source:
        """The narrowest table that tells which rows are wanted, and in which order."""
        of_people = self._name in _OF_PEOPLE or self.where.of_people
        of_outcomes = self._name not in {*_OF_PEOPLE, "number"} or self.where.of_outcomes
        if not of_outcomes:
            return Source(WHO, self.calling)
        whole = of_people or not self.all_begun
        return Source(STANDING if whole else OUTCOMES, self.calling)

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
        source = self._source
        key = self._make_key(source)
        chosen = select(source.number.label("number"), key.label("key")).where(*self._belongs(source))
        if after is not None:
            chosen = chosen.where(self._comes_after(source, after))
        page = chosen.order_by(*self._order(key, source.number)).limit(limit).subquery()
        rows = select(*COLUMNS, page.c.key).join(page, STANDING.c.number == page.c.number)
        return rows.where(*self._is_of_campaign(STANDING)).order_by(*self._order(page.c.key, page.c.number))

    def select_all(self) -> Select[*tuple[Any, ...]]:
        """Return the query of COLUMNS of every row."""
        whole = Source(STANDING, self.calling)
        order = self._order(self._make_key(whole), whole.number)
        return select(*COLUMNS).where(*self._belongs(whole)).order_by(*order)

    def _make_key(self, source: Source) -> ColumnElement[Any]:
        return _SORTS[self._name][0](source)

    def _is_of_campaign(self, table: FromClause) -> tuple[ColumnElement[bool], ...]:
        return (table.c.school_id == self.school_id, table.c.campaign_id == self.campaign_id)

    def _belongs(self, source: Source) -> tuple[ColumnElement[bool], ...]:
        return (*self._is_of_campaign(source.table), *self.where.conditions(source))

    def _order(self, key: ColumnElement[Any], number: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
        if not self.reads_all:
            return (number.desc() if self._descends else number,)
        if self._descends:
            return (key.desc().nulls_last(), number.desc())
        return (key.asc().nulls_last(), number)

    def _comes_after(self, source: Source, place: Place) -> ColumnElement[bool]:
        number = source.number
        further = number < place.number if self._descends else number > place.number
        if not self.reads_all:
            return further
        key = self._make_key(source)
        if place.key is None:
            return and_(key.is_(None), further)
        here, there = tuple_(key, number), tuple_(place.key, place.number)
        return or_(here < there if self._descends else here > there, key.is_(None))
