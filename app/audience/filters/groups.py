"""Filters on membership."""

from typing import Literal

from sqlalchemy import Select, select

from app.audience.base import Filter, Scope
from app.core.schema import Reference
from app.directory.models import Membership


class InGroup(Filter):
    """Members of one group."""

    kind: Literal["group"]
    group: Reference

    def users(self, scope: Scope) -> Select[str]:
        """Return the group's members."""
        return select(Membership.user).where(
            Membership.school_id == scope.school_id, Membership.group == self.group
        )
