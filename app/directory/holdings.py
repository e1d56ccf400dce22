"""What is held on a person beyond the directory: each room that holds some says how it is read and erased."""

from collections.abc import Awaitable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.schema import JsonObject
from app.directory.models import User


class Read(Protocol):
    """Reads a room's share of what is held on a user."""

    def __call__(self, session: AsyncSession, user: User) -> Awaitable[Mapping[str, Sequence[JsonObject]]]:
        """Return it in named lists of JSON objects; the session is the owner's."""


class Erase(Protocol):
    """Erases a room's share of what is held on a user."""

    def __call__(self, session: AsyncSession, user: User) -> Awaitable[Collection[bytes]]:
        """Take person and address out of it; return the hashes of the addresses it knew them by."""


@dataclass(frozen=True, slots=True)
class Holding:
    """One room's share; a room above the directory gives one, as the directory cannot look up there."""

    read: Read
    erase: Erase
