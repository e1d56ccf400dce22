"""Statements that are put together and compiled once, and then go straight to the driver."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.dialects.postgresql.asyncpg import dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ClauseElement

from app.core.db import run_lean

_DIALECT: Final = dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped


@dataclass(frozen=True, slots=True)
class LeanStatement:
    """SQL with `$1`…, what each of these is called, and the values of those that the statement brings."""

    text: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]

    async def run(self, connection: AsyncConnection, **given: Any) -> Sequence[Any]:
        """Run it with these values of its `bindparam`s, as the driver takes them; return its records.

        What is given and not asked for is left out.
        """
        values = [given[name] if name in given else self.fixed[name] for name in self.names]
        return await run_lean(connection, self.text, *values)


def compile_lean(statement: ClauseElement) -> LeanStatement:
    """Compile a statement; what its `bindparam`s stand for is given when it is run."""
    compiled: Any = statement.compile(dialect=_DIALECT)
    return LeanStatement(compiled.string, tuple(compiled.positiontup or ()), compiled.params)
