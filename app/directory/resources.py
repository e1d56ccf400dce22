"""What a resource of the directory is: its items, its table, what it refers to, and how it lands."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.directory.models import Record
from app.directory.schemas import RecordItem, SyncResult
from app.directory.upsert import Columns, Pushed, Row, columns_of
from app.schools.models import School


class MakeRow(Protocol):
    """Makes an item of a school the row that is pushed to the database."""

    def __call__(self, school: School, item: Any) -> Row:
        """Return the row, its keys the resource's `pushed` columns."""


class Land(Protocol):
    """Lands pushed rows: each a record of its own, and all they refer to known."""

    def __call__(
        self, session: AsyncSession, *, school_id: UUID, resource: "Resource", pushed: Pushed
    ) -> Awaitable[SyncResult]:
        """Upsert them in the session's transaction."""


@dataclass(frozen=True)
class Resource:
    """One kind of record; `references` maps a field to the table it names a record of."""

    name: str
    item: type[RecordItem]
    model: type[Record]
    make_row: MakeRow
    land: Land
    references: Mapping[str, type[Record]] = field(default_factory=dict)
    result: type[SyncResult] = SyncResult
    removable: bool = True
    """Whether DELETE takes one record away; removing a person is erasure, which is more."""
    pushed: Columns = ()

    @cached_property
    def columns(self) -> Columns:
        """What is pushed of each record."""
        return self.pushed or columns_of(self.model, ("school_id", *self.item.model_fields))
