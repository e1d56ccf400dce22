"""Filters on bookings: confirmed ones, in a window of time."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement, Select, select

from app.audience.base import Filter
from app.audience.narrowing import BOOKING, Record
from app.audience.scope import Scope
from app.core.schema import Instant, NoText
from app.directory.models import Booking


class Booked(Filter):
    """Users with a confirmed booking in a window of time."""

    record: ClassVar[Record] = BOOKING

    start: Annotated[Instant | None, Field(alias="from", description="Starts at or after this.")] = None
    end: Annotated[Instant | None, Field(alias="to", description="Starts before this.")] = None
    within_days: Annotated[int, Field(ge=1, le=3650), NoText] | None = Field(
        None, description="Within so many times 24 hours of now."
    )

    @model_validator(mode="after")
    def _has_a_window(self) -> "Booked":
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise PydanticCustomError("empty_window", "`to` must be after `from`")
        return self

    def users(self, scope: Scope) -> Select[str]:
        """Return the users of those bookings."""
        booked = select(Booking.user).where(
            Booking.school_id == scope.school_id, Booking.status == "confirmed", *self.conditions(scope)
        )
        if self.start is not None:
            booked = booked.where(Booking.starts_at >= self.start)
        if self.end is not None:
            booked = booked.where(Booking.starts_at < self.end)
        return booked

    def conditions(self, scope: Scope) -> list[ColumnElement[bool]]:
        """Return what a booking must meet besides."""
        raise NotImplementedError


class UpcomingBookings(Booked):
    """Users with a confirmed booking that starts later; `within_days` times 24 hours from now at most."""

    kind: Literal["upcoming_bookings"]

    def conditions(self, scope: Scope) -> list[ColumnElement[bool]]:
        """Ask for bookings that start after now, and have started by then."""
        conditions = [Booking.starts_at > scope.now]
        if self.within_days is not None:
            conditions.append(Booking.starts_at <= scope.now + timedelta(days=self.within_days))
        return conditions


class PastBookings(Booked):
    """Users with a confirmed booking that has ended; `within_days` times 24 hours ago at most."""

    kind: Literal["past_bookings"]

    def conditions(self, scope: Scope) -> list[ColumnElement[bool]]:
        """Ask for bookings that have ended by now, and had not by then."""
        conditions = [Booking.ends_at <= scope.now]
        if self.within_days is not None:
            conditions.append(Booking.ends_at > scope.now - timedelta(days=self.within_days))
        return conditions
