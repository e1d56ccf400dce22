"""Filters on enrollments. Intervals are half open: started means `starts_at <= now`, null is open."""

from typing import Literal

from sqlalchemy import ColumnElement, Select, and_, or_, select

from app.audience.base import Filter, Scope
from app.directory.models import Enrollment


def _enrolled(scope: Scope, *conditions: ColumnElement[bool]) -> Select[str]:
    return select(Enrollment.user).where(
        Enrollment.school_id == scope.school_id, Enrollment.status == "active", *conditions
    )


def _not_ended(scope: Scope) -> ColumnElement[bool]:
    return or_(Enrollment.ends_at.is_(None), Enrollment.ends_at > scope.now)


class OngoingEnrollments(Filter):
    """Users with an active enrollment that has started and not ended."""

    kind: Literal["ongoing_enrollments"]

    def users(self, scope: Scope) -> Select[str]:
        """Return users enrolled right now."""
        return _enrolled(scope, and_(Enrollment.starts_at <= scope.now, _not_ended(scope)))


class UpcomingEnrollments(Filter):
    """Users with an active enrollment that starts later."""

    kind: Literal["upcoming_enrollments"]

    def users(self, scope: Scope) -> Select[str]:
        """Return users whose enrollment is still to start."""
        return _enrolled(scope, Enrollment.starts_at > scope.now)


class CurrentEnrollments(Filter):
    """Users with an active enrollment, ongoing or upcoming."""

    kind: Literal["current_enrollments"]

    def users(self, scope: Scope) -> Select[str]:
        """Return users enrolled now or later."""
        return _enrolled(scope, or_(Enrollment.starts_at > scope.now, _not_ended(scope)))


class EndedEnrollments(Filter):
    """Users with an active enrollment that has ended."""

    kind: Literal["ended_enrollments"]

    def users(self, scope: Scope) -> Select[str]:
        """Return users whose enrollment is over."""
        return _enrolled(scope, Enrollment.ends_at <= scope.now)
