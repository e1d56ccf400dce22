"""Filters on the user's own record."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Select, select

from app.audience.base import Filter
from app.audience.scope import Scope
from app.core.schema import NoText
from app.directory.models import User


class ActiveUsers(Filter):
    """Users whose status is active."""

    repeats: ClassVar[bool] = False

    kind: Literal["active_users"]

    def users(self, scope: Scope) -> Select[str]:
        """Return the active users."""
        return select(User.external_id).where(User.school_id == scope.school_id, User.status == "active")


class RecentAccounts(Filter):
    """Users registered in the last so many times 24 hours."""

    repeats: ClassVar[bool] = False

    kind: Literal["recent_accounts"]
    days: Annotated[int, Field(ge=1, le=3650), NoText] = Field(description="Times 24 hours up to now.")

    def users(self, scope: Scope) -> Select[str]:
        """Return the users registered since, and not later than now."""
        since = scope.now - timedelta(days=self.days)
        return select(User.external_id).where(
            User.school_id == scope.school_id, User.registered_at > since, User.registered_at <= scope.now
        )
