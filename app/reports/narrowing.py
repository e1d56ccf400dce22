"""What narrows the table of recipients, as SQL over whichever table tells it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
)


def escape_like(text: str) -> str:
    """Return the text as a pattern of LIKE that stands for itself."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")


CALLING: Final = bindparam("calling", type_=ARRAY(Integer))
"""Stands for the numbers in a call to SES right now."""


@dataclass(frozen=True, slots=True)
class Source:
    """The table that rows are chosen from; `is_calling` tells whether any of them is in a call to SES."""

    table: FromClause
    is_calling: bool = False

    def __getattr__(self, name: str) -> ColumnElement[Any]:
        """Return the column of this name."""
        return self.table.c[name]

    @property
    def shown_status(self) -> ColumnElement[str]:
        """The status as it is shown."""
        if not self.is_calling:
            return self.status
        in_call = and_(self.status == "queued", self.number == func.any(CALLING))
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
            asked = literal(list(self.delivery_status), ARRAY(Text))
            found.append(of.shown_status == func.any(asked))
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
