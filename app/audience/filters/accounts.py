"""Filters on the user's own record."""

from typing import Literal

from sqlalchemy import Select, select

from app.audience.base import Filter, Scope
from app.directory.models import User


class ActiveUsers(Filter):
    """Users whose status is active."""

    kind: Literal["active_users"]

    def users(self, scope: Scope) -> Select[str]:
        """Return the active users."""
        return select(User.external_id).where(User.school_id == scope.school_id, User.status == "active")
