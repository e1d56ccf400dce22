"""What a resource of the directory is: its items, its table, what it refers to, and how it lands."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.directory.models import Record
from app.directory.schemas import RecordItem, SyncResult


class Sync(Protocol):
    """Lands a batch of items in the session's transaction."""

    def __call__(
        self, session: AsyncSession, *, school_id: UUID, resource: "Resource", items: Any
    ) -> Awaitable[SyncResult]:
        """Upsert the items; InvalidInput names every fault by index and field."""


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of record; `references` maps a field to the table it names a record of."""

    name: str
    item: type[RecordItem]
    model: type[Record]
    sync: Sync
    references: Mapping[str, type[Record]] = field(default_factory=dict)
    result: type[SyncResult] = SyncResult
    removable: bool = True
    """Whether DELETE takes one record away; removing a person is erasure, which is more."""
