"""What goes wrong on the command line, in one clear line."""

import sys
from typing import Any, NoReturn

import asyncpg
from alembic.util.exc import CommandError
from pydantic import ValidationError
from rich.console import Console

from app.cli.complaint import Complaint
from app.core.config import SettingsError
from app.core.db import is_disconnect
from app.core.errors import AppError

DATABASE = "The database of CAMPAIGNS_DATABASE_URL"
_REFUSALS = ("28", "3D", "42501")
"""SQLSTATE: wrong credentials, no such database, insufficient privilege."""
_BUSY = ("55P03", "40P01", "40001")
"""SQLSTATE: lock not available, deadlock, serialization failure."""


def explain(error: Exception) -> str | None:
    """Return what to tell the caller, or None for a fault of our own."""
    if isinstance(error, ValidationError):
        return "; ".join(_explain_value(each) for each in error.errors())
    if isinstance(error, SettingsError | Complaint | AppError | CommandError):
        return str(error)
    # The demo's own errors, known by name: it is imported by the one command that needs it.
    if any(kind.__name__ in {"EmbeddedServerError", "StackError"} for kind in type(error).__mro__):
        return str(error)
    if refusal := _find_word(error, _REFUSALS):
        return f"{DATABASE} refuses us: {refusal}."
    if _find_word(error, _BUSY):
        return f"{DATABASE} is busy with other work, and nothing was changed: run it again."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}."
    return f"{DATABASE} cannot be reached." if is_disconnect(error) else None


def _find_word(error: BaseException | None, states: tuple[str, ...]) -> str | None:
    """Return the server's own words for an error of these states, which the drivers wrap once or twice."""
    while error is not None:
        if isinstance(error, asyncpg.PostgresError) and str(error.sqlstate or "").startswith(states):
            return str(error)
        error = error.__cause__
    return None


def _explain_value(fault: Any) -> str:  # pydantic's error dictionaries are untyped
    option = str(fault["loc"][0]).replace("_", "-")
    return f"--{option}: {str(fault['msg']).removeprefix('Value error, ')}"


def fail(message: str) -> NoReturn:
    """Say it on standard error and leave with status 1."""
    Console(stderr=True, highlight=False).print(
        f"campaigns: {message}", style="red", soft_wrap=True, markup=False
    )
    sys.exit(1)
