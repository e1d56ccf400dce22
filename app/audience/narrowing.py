"""How `narrow` is asked of the record that made a user match, and of the user where the record is silent."""

from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select, true, union, union_all
from sqlalchemy.orm import InstrumentedAttribute

from app.audience.scope import Scope
from app.directory.models import Booking, Course, Enrollment

Column = InstrumentedAttribute[Any]


@dataclass(frozen=True, slots=True)
class Record:
    """What a kind of record knows by itself: all three from its course, its category alone, or nothing.

    `trainer` is the record's own, which wins over the course's.
    """

    course: Column | None = None
    trainer: Column | None = None
    category: Column | None = None


ACCOUNT: Final = Record()
ENROLLMENT: Final = Record(course=Enrollment.course)
BOOKING: Final = Record(course=Booking.course, trainer=Booking.trainer)


def narrow_users(users: Select[str], record: Record, scope: Scope) -> Select[str]:
    """Keep of the users that a record named those whom `scope.narrow` leaves, but for their preferences."""
    narrow, user = scope.narrow, get_user(users)
    if record.course is not None:
        return users.where(*_fits_course(record, record.course, scope))
    if record.category is not None and narrow.categories:
        users = users.where(record.category.in_(narrow.categories))
        scope = replace(scope, narrow=narrow.model_copy(update={"categories": ()}))
    if scope.narrow.trainers or scope.narrow.categories:
        return users.where(user.in_(_find_attendees(scope)))
    if scope.narrow.exclude_remote_courses:
        ask = _not_among_remote if record.category is None else _not_only_remote
        return users.where(*ask(user, scope))
    return users


def get_user(users: Select[str]) -> ColumnElement[str]:
    """Return the column of a query of users that holds their external ids."""
    (column,) = users.selected_columns
    return column


def _fits_course(record: Record, course: Column, scope: Scope) -> list[ColumnElement[bool]]:
    """Ask all of it of the record's course; a record without a course has no trainer, and is not remote."""
    narrow = scope.narrow
    if narrow.trainers or narrow.categories:
        taught = course.in_(_find_courses(scope))
        if record.trainer is None or not narrow.trainers:
            return [taught]
        elsewhere = replace(scope, narrow=narrow.model_copy(update={"trainers": ()}))
        own = and_(record.trainer.in_(narrow.trainers), course.in_(_find_courses(elsewhere)))
        return [or_(own, and_(record.trainer.is_(None), taught))]
    if narrow.exclude_remote_courses:
        return [or_(course.is_(None), course.in_(_find_courses(scope)))]
    return []


def _find_courses(scope: Scope) -> Select[str]:
    """Return the courses that fit by themselves."""
    narrow = scope.narrow
    courses = select(Course.external_id).where(Course.school_id == scope.school_id)
    if narrow.trainers:
        courses = courses.where(Course.trainer.in_(narrow.trainers))
    if narrow.categories:
        courses = courses.where(Course.category.in_(narrow.categories))
    if narrow.exclude_remote_courses:
        courses = courses.where(Course.delivery != "remote")
    return courses


def _find_attendees(scope: Scope) -> Select[str]:
    """Return the users of current enrollments and confirmed bookings that fit."""
    enrolled = select(Enrollment.user).where(
        *_is_enrolled(scope), *_fits_course(ENROLLMENT, Enrollment.course, scope)
    )
    booked = select(Booking.user).where(*_is_booked(scope), *_fits_course(BOOKING, Booking.course, scope))
    return select(union(enrolled, booked).subquery().c.user)


# Were place all that is asked, a user who attends nothing would be none the worse: only those fall out who
# attend something, and nothing that is not remote. It is asked in two ways, the same and not as fast.


def _not_only_remote(user: ColumnElement[str], scope: Scope) -> list[ColumnElement[bool]]:
    """Ask it of each user by themselves, which takes microseconds: the way for few users."""
    remote = _find_remote(scope)
    enrolled = select(Enrollment.course.in_(remote).label("remote")).where(
        *_is_enrolled(scope), Enrollment.user == user
    )
    booked = select(Booking.course.in_(remote)).where(*_is_booked(scope), Booking.user == user)
    attended = union_all(enrolled.correlate_except(Enrollment), booked.correlate_except(Booking)).subquery()
    return [select(func.bool_and(attended.c.remote)).scalar_subquery().is_not(true())]


def _not_among_remote(user: ColumnElement[str], scope: Scope) -> list[ColumnElement[bool]]:
    """Work out all who fall out, at once: the way for many users.

    Both kinds of record are read in the order of their users, as their indexes hold them, and merged: so they
    stand together, and nothing is sorted or hashed.
    """
    remote = _find_remote(scope)
    enrolled = select(Enrollment.user, Enrollment.course.in_(remote).label("remote")).where(
        *_is_enrolled(scope)
    )
    booked = select(Booking.user, Booking.course.in_(remote).label("remote")).where(*_is_booked(scope))
    attended = union_all(enrolled.order_by(Enrollment.user), booked.order_by(Booking.user)).subquery()
    only = select(attended.c.user).group_by(attended.c.user).having(func.bool_and(attended.c.remote)).cte()
    # Once: each parallel worker would work it out for itself.
    only = only.prefix_with("MATERIALIZED")
    return [~exists().where(only.c.user == user).correlate_except(only)]


def _find_remote(scope: Scope) -> Select[str]:
    return select(Course.external_id).where(Course.school_id == scope.school_id, Course.delivery == "remote")


def _is_enrolled(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return Enrollment.school_id == scope.school_id, Enrollment.status == "active", is_current(scope)


def _is_booked(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return Booking.school_id == scope.school_id, Booking.status == "confirmed"


def is_current(scope: Scope) -> ColumnElement[bool]:
    """Tell whether an enrollment, unless it is cancelled, is ongoing or upcoming."""
    not_over = or_(Enrollment.ends_at.is_(None), Enrollment.ends_at > scope.now)
    return or_(Enrollment.starts_at > scope.now, not_over)
