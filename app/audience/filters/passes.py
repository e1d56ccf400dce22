"""Filters on passes."""

from typing import ClassVar, Literal

from sqlalchemy import Select, or_, select

from app.audience.base import Filter
from app.audience.narrowing import Record
from app.audience.scope import Scope
from app.directory.models import Pass


class ValidPasses(Filter):
    """Users with an active pass in its validity, with credits left."""

    record: ClassVar[Record] = Record(category=Pass.category)

    kind: Literal["valid_passes"]

    def users(self, scope: Scope) -> Select[str]:
        """Return the users whose pass would open the door now."""
        return select(Pass.user).where(
            Pass.school_id == scope.school_id,
            Pass.status == "active",
            Pass.valid_from <= scope.now,
            or_(Pass.valid_until.is_(None), Pass.valid_until > scope.now),
            or_(Pass.credits_left.is_(None), Pass.credits_left > 0),
        )
