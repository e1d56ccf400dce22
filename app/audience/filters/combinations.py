"""Filters made of filters. Each part is narrowed by itself.

What does not hold is said of the parts, down to filters that are none of these: to deny a combination as a
whole would have it worked out anew for each user, wherever the planner knows too little of a school.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from sqlalchemy import ColumnElement, Select, and_, or_, select, union

from app.audience.base import AnyFilter, Filter
from app.audience.narrow import Narrow
from app.audience.narrowing import Column, get_user
from app.audience.scope import Scope
from app.directory.models import User

Parts = Annotated[list[AnyFilter], Field(min_length=1, max_length=20)]


class Combination(Filter):
    """A filter made of others, which are narrowed, so that it itself is not."""

    filters: Parts = Field(description="Of any kind; combinations may be nested 5 deep.")

    @property
    def parts(self) -> tuple[Filter, ...]:
        """The filters that are combined."""
        return tuple(self.filters)

    def narrowed(self, scope: Scope) -> Select[str]:
        """Return the users meant: narrowed already."""
        return self.users(scope)


class AllOf(Combination):
    """Users whom every one of the filters names."""

    kind: Literal["all_of"]

    def users(self, scope: Scope) -> Select[str]:
        """Return whom the first names and all the others hold for."""
        first, *others = self._in_order()
        users = first.narrowed(scope)
        return users.where(*(other.holds(get_user(users), scope) for other in others))

    def fails(self, user: ColumnElement[str] | Column, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that one of them does not hold."""
        return or_(*(part.fails(user, scope) for part in self.filters))

    def may_repeat(self) -> bool:
        """Tell whether the first may."""
        return self._in_order()[0].may_repeat()

    def _in_order(self) -> list[Filter]:
        """Begin with one that names nobody twice; leave to the last those that only rule out."""
        return sorted(self.filters, key=lambda part: (isinstance(part, NoneOf), part.may_repeat()))


class AnyOf(Combination):
    """Users whom at least one of the filters names."""

    kind: Literal["any_of"]

    def users(self, scope: Scope) -> Select[str]:
        """Return whom any of them names."""
        named = union(*(part.narrowed(scope) for part in self.filters)).subquery()
        return select(named.c[0])

    def fails(self, user: ColumnElement[str] | Column, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that none of them holds."""
        return and_(*(part.fails(user, scope) for part in self.filters))

    def may_repeat(self) -> bool:
        """Tell whether the only one may: the union of several names nobody twice."""
        return len(self.filters) == 1 and self.filters[0].may_repeat()


class NoneOf(Combination):
    """Users whom not one of the filters names. It is not narrowed."""

    repeats: ClassVar[bool] = False

    kind: Literal["none_of"]

    def users(self, scope: Scope) -> Select[str]:
        """Return everybody else."""
        return select(User.external_id).where(
            User.school_id == scope.school_id, self.holds(User.external_id, scope)
        )

    def holds(self, user: ColumnElement[str] | Column, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that none of them holds, whatever it is narrowed by."""
        unnarrowed = replace(scope, narrow=Narrow())
        return and_(*(part.fails(user, unnarrowed) for part in self.filters))

    def fails(self, user: ColumnElement[str] | Column, scope: Scope) -> ColumnElement[bool]:
        """Return the condition that one of them holds, whatever it is narrowed by."""
        unnarrowed = replace(scope, narrow=Narrow())
        return or_(*(part.holds(user, unnarrowed) for part in _spread(self.filters)))


def _spread(parts: Iterable[Filter]) -> Iterator[Filter]:
    """Yield the parts, and in place of an `any_of` what it is made of."""
    for part in parts:
        if isinstance(part, AnyOf):
            yield from _spread(part.filters)
        else:
            yield part
