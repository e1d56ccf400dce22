"""Filters on enrollments. Intervals are half open: started means `starts_at <= now`, null is open."""

from typing import ClassVar, Literal

from sqlalchemy import ColumnElement, Select, or_, select

from app.audience.base import Filter
from app.audience.narrowing import ENROLLMENT, Record, is_current
from app.audience.scope import Scope
from app.directory.models import Course, Enrollment


class Enrolled(Filter):
    """Users with an enrollment that is not cancelled and meets a condition."""

    record: ClassVar[Record] = ENROLLMENT

    def users(self, scope: Scope) -> Select[str]:
        """Return the users of those enrollments."""
        return select(Enrollment.user).where(
            Enrollment.school_id == scope.school_id, Enrollment.status == "active", self.condition(scope)
        )

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        """Return what an enrollment must meet."""
        raise NotImplementedError


class OngoingEnrollments(Enrolled):
    """Users with an active enrollment that has started and not ended."""

    kind: Literal["ongoing_enrollments"]

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        """Ask for enrollments of right now."""
        not_over = or_(Enrollment.ends_at.is_(None), Enrollment.ends_at > scope.now)
        return (Enrollment.starts_at <= scope.now) & not_over


class UpcomingEnrollments(Enrolled):
    """Users with an active enrollment that starts later."""

    kind: Literal["upcoming_enrollments"]

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        """Ask for enrollments still to start."""
        return Enrollment.starts_at > scope.now


class CurrentEnrollments(Enrolled):
    """Users with an active enrollment, ongoing or upcoming."""

    kind: Literal["current_enrollments"]

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        """Ask for enrollments of now or later."""
        return is_current(scope)


class EndedEnrollments(Enrolled):
    """Users with an active enrollment that has ended."""

    kind: Literal["ended_enrollments"]

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        """Ask for enrollments that are over."""
        return Enrollment.ends_at <= scope.now


class OnlineEnrollments(Enrolled):
    """Users with an active enrollment, ongoing or upcoming, in a course that is remote or hybrid."""

    kind: Literal["online_enrollments"]

    def condition(self, scope: Scope) -> ColumnElement[bool]:
        """Ask for enrollments of now or later, in such a course."""
        online = select(Course.external_id).where(
            Course.school_id == scope.school_id, Course.delivery.in_(("remote", "hybrid"))
        )
        return is_current(scope) & Enrollment.course.in_(online)
