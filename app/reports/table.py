"""The table of recipients as SQL: what narrows it, what sorts it, and the rows of one page or of all.

No index serves a sort but that by number: facts change in place (HOT) only while no index holds them. One
campaign's rows lie together, and to choose a page only the table that the sort and the filters speak of is
read, of who people are or of what became of them, and only the sort key and the number are sorted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Uuid,
    and_,
    bindparam,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.errors import Fault, InvalidInput
from app.core.lean import LeanStatement, compile_lean
from app.core.pages import decode_cursor, or_null
from app.recipients.standing import OUTCOMES, STANDING, WHO
from app.reports.narrowing import RecipientFilter, Source
from app.reports.recipients import FIELDS
from app.reports.sorts import OF_PEOPLE, make_key, read_key, reads_all

COLUMNS: Final = tuple(STANDING.c[name] for name in FIELDS)
"""What a line is made of."""


class Start(Enum):
    """Where a page begins: with the first row, after one with a sort key, or after one that has none."""

    FIRST = "first"
    KEY = "key"
    NO_KEY = "no key"


@dataclass(frozen=True, slots=True)
class Shape:
    """All that a statement depends on but the values it is run with.

    With `all_begun` something is known of every recipient, so that what became of them can be read alone.
    """

    where: RecipientFilter
    sort: str
    is_calling: bool
    all_begun: bool

    @property
    def name(self) -> str:
        """What is sorted by, whichever way."""
        return self.sort.removeprefix("-")

    @property
    def _descends(self) -> bool:
        return self.sort.startswith("-")

    @property
    def _source(self) -> Source:
        """The narrowest table that tells which rows are wanted, and in which order."""
        of_people = self.name in OF_PEOPLE or self.where.of_people
        of_outcomes = self.name not in {*OF_PEOPLE, "number"} or self.where.of_outcomes
        if not of_outcomes:
            return Source(WHO)
        whole = of_people or not self.all_begun
        return Source(STANDING if whole else OUTCOMES, self.is_calling)

    def select_page(self, start: Start) -> Select[*tuple[Any, ...]]:
        """Return the query of COLUMNS and `key`, of the rows of a page."""
        source = self._source
        key = make_key(self.sort, source)
        chosen = select(source.number.label("number"), key.label("key")).where(*self._belongs(source))
        if start is not Start.FIRST:
            chosen = chosen.where(self._comes_after(source, start))
        page = chosen.order_by(*self._order(key, source.number)).limit(_LIMIT).subquery()
        rows = select(*COLUMNS, page.c.key).join(page, STANDING.c.number == page.c.number)
        return rows.where(*_is_of_campaign(STANDING)).order_by(*self._order(page.c.key, page.c.number))

    def select_all(self) -> Select[*tuple[Any, ...]]:
        """Return the query of COLUMNS of every row."""
        whole = Source(STANDING, self.is_calling)
        order = self._order(make_key(self.sort, whole), whole.number)
        return select(*COLUMNS).where(*self._belongs(whole)).order_by(*order)

    def _belongs(self, source: Source) -> tuple[ColumnElement[bool], ...]:
        return (*_is_of_campaign(source.table), *self.where.conditions(source))

    def _order(self, key: ColumnElement[Any], number: ColumnElement[int]) -> tuple[ColumnElement[Any], ...]:
        if not reads_all(self.sort):
            return (number.desc() if self._descends else number,)
        if self._descends:
            return (key.desc().nulls_last(), number.desc())
        return (key.asc().nulls_last(), number)

    def _comes_after(self, source: Source, start: Start) -> ColumnElement[bool]:
        number = source.number
        further = number < _AFTER if self._descends else number > _AFTER
        if not reads_all(self.sort):
            return further
        key = make_key(self.sort, source)
        if start is Start.NO_KEY:
            return and_(key.is_(None), further)
        here, there = tuple_(key, number), tuple_(bindparam("after_key", type_=key.type), _AFTER)
        return or_(here < there if self._descends else here > there, key.is_(None))


_SCHOOL, _CAMPAIGN = bindparam("school_id", type_=Uuid()), bindparam("campaign_id", type_=Uuid())
_AFTER, _LIMIT = bindparam("after_number", type_=Integer()), bindparam("limit", type_=Integer())


def _is_of_campaign(table: FromClause) -> tuple[ColumnElement[bool], ...]:
    return (table.c.school_id == _SCHOOL, table.c.campaign_id == _CAMPAIGN)


@lru_cache(maxsize=512)
def _compile_page(shape: Shape, start: Start) -> LeanStatement:
    return compile_lean(shape.select_page(start))


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
    all_begun: bool = False

    @property
    def _shape(self) -> Shape:
        return Shape(self.where, self.sort, bool(self.calling), self.all_begun)

    @property
    def _given(self) -> Mapping[str, Any]:
        calling = {"calling": list(self.calling)} if self.calling else {}
        return {"school_id": self.school_id, "campaign_id": self.campaign_id, **calling}

    def read_cursor(self, cursor: str) -> Place:
        """Return the place that a cursor of this sort and filter names; InvalidInput for any other."""
        sort, digest, _, _ = decode_cursor(cursor, str, str, lambda part: part, int)
        if (sort, digest) != (self.sort, self.where.digest()):
            fault = Fault("/cursor", "belongs to another sort or filter; start again without it")
            raise InvalidInput("The cursor does not fit the sort and the filter.", errors=[fault])
        _, _, key, number = decode_cursor(cursor, str, str, or_null(read_key(self.sort)), int)
        return Place(key, number)

    def make_cursor_key(self, row: Any) -> tuple[Any, ...]:
        """Return what a cursor holds of the last row seen."""
        key = row["key"].isoformat() if isinstance(row["key"], datetime) else row["key"]
        return (self.sort, self.where.digest(), key, row["number"])

    async def read_page(
        self, connection: AsyncConnection, *, after: Place | None, limit: int
    ) -> Sequence[Any]:
        """Return records of COLUMNS and `key`, of the rows after a place."""
        if after is None:
            page = _compile_page(self._shape, Start.FIRST)
            return await page.run(connection, **self._given, limit=limit)
        page = _compile_page(self._shape, Start.NO_KEY if after.key is None else Start.KEY)
        place = {"after_key": after.key, "after_number": after.number}
        return await page.run(connection, **self._given, **place, limit=limit)

    def select_all(self) -> Select[*tuple[Any, ...]]:
        """Return the query of COLUMNS of every row."""
        return self._shape.select_all().params(self._given)
