"""Every record that an audience names must be there: a misspelt group would silently reach nobody."""

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.audience import FilteredAudience
from app.audience.narrow import Narrow
from app.audience.narrowing import Column
from app.core.errors import Fault, InvalidInput
from app.directory.models import Category, Trainer


class Named(NamedTuple):
    """A record that an audience names: where it does, the column of such ids, and the id."""

    pointer: str
    column: Column
    value: object


async def check_references(
    session: AsyncSession, *, school_id: UUID, audience: FilteredAudience, pointer: str = "/audience"
) -> None:
    """Raise InvalidInput that names each record the audience names and the school does not have."""
    if faults := await find_missing(session, school_id=school_id, audience=audience, pointer=pointer):
        raise InvalidInput(errors=faults)


async def find_missing(
    session: AsyncSession, *, school_id: UUID, audience: FilteredAudience, pointer: str = "/audience"
) -> list[Fault]:
    """Return a fault for each record the audience names and the school does not have."""
    named = [*_find_named(audience, pointer)]
    wanted: dict[Column, set[object]] = defaultdict(set)
    for each in named:
        wanted[each.column].add(each.value)
    known: dict[Column, set[object]] = {}
    for column, values in wanted.items():
        query = select(column).where(column.class_.school_id == school_id, column.in_(values))
        known[column] = set(await session.scalars(query))
    return [
        Fault(each.pointer, f"there is no {each.value} in {each.column.class_.__tablename__}")
        for each in named
        if each.value not in known[each.column]
    ]


def _find_named(audience: FilteredAudience, pointer: str) -> Iterator[Named]:
    for where, each in audience.filter.walk(f"{pointer}/filter"):
        for field, (column, value) in each.references().items():
            yield Named(f"{where}/{field}", column, value)
    yield from _find_narrowed(audience.narrow, f"{pointer}/narrow")


def _find_narrowed(narrow: Narrow, pointer: str) -> Iterator[Named]:
    for index, trainer in enumerate(narrow.trainers):
        yield Named(f"{pointer}/trainers/{index}", Trainer.external_id, trainer)
    for index, category in enumerate(narrow.categories):
        yield Named(f"{pointer}/categories/{index}", Category.external_id, category)
