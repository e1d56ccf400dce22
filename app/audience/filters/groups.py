"""Filters on membership."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field
from sqlalchemy import Select, select

from app.audience.base import Filter
from app.audience.narrowing import Column
from app.audience.scope import Scope
from app.core.schema import Reference
from app.directory.models import Group, Membership


class InGroup(Filter):
    """Members of one group."""

    kind: Literal["group"]
    group: Reference = Field(description="The group's external id.")

    def users(self, scope: Scope) -> Select[str]:
        """Return the group's members."""
        return select(Membership.user).where(
            Membership.school_id == scope.school_id, Membership.group == self.group
        )

    def references(self) -> Mapping[str, tuple[Column, object]]:
        """Name the group."""
        return {"group": (Group.external_id, self.group)}
