"""Recipients with what became of them: also those of whom nothing is known yet, who have no outcome."""

from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Subquery, and_, func, select

from app.recipients.models import Recipient, RecipientOutcome
from app.recipients.outcome import State

_FRESH: Final = {"status": "queued", **State()._asdict()}
_KEY: Final = ("school_id", "campaign_id", "number")
WHO: Final[FromClause] = Recipient.__table__
"""Who the recipients are."""
OUTCOMES: Final[FromClause] = RecipientOutcome.__table__
"""What became of those of whom anything is known."""


def _pad(name: str) -> ColumnElement[Any]:
    """Return the column of an outcome, for those who have none as it is in one of whom nothing is known."""
    fresh = _FRESH.get(name)
    return OUTCOMES.c[name] if fresh is None else func.coalesce(OUTCOMES.c[name], fresh).label(name)


def _join() -> Subquery:
    facts = [_pad(name) for name in OUTCOMES.c.keys() if name not in WHO.c]  # noqa: SIM118  # no mapping
    theirs = and_(*(WHO.c[name] == OUTCOMES.c[name] for name in _KEY))
    return select(*WHO.c, *facts).outerjoin_from(WHO, OUTCOMES, theirs).subquery("standing")


STANDING: Final[FromClause] = _join()
"""Both: a column for each of who they are and of what became of them."""
