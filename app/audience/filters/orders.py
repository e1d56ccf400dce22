"""Filters on orders."""

import calendar
from datetime import datetime
from typing import Annotated, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Select, select

from app.audience.base import Filter
from app.audience.narrowing import Record
from app.audience.scope import Scope
from app.core.schema import NoText
from app.directory.models import Order


class PastOrders(Filter):
    """Users with a paid order in the last so many calendar months.

    They are counted on the school's own calendar: back from 31 March 10:00, one month begins on the last
    day of February at 10:00.
    """

    record: ClassVar[Record] = Record(course=Order.course)

    kind: Literal["past_orders"]
    months: Annotated[int, Field(ge=1, le=120), NoText] = Field(description="Calendar months up to now.")

    def users(self, scope: Scope) -> Select[str]:
        """Return the users of orders placed since, and not later than now."""
        return select(Order.user).where(
            Order.school_id == scope.school_id,
            Order.status == "paid",
            Order.placed_at > subtract_months(scope.now, self.months, scope.timezone),
            Order.placed_at <= scope.now,
        )


def subtract_months(instant: datetime, months: int, timezone: str) -> datetime:
    """Return the same time of day so many calendar months earlier, or on that month's last day.

    A time that the clocks skipped is read as if they had not been put forward yet (PEP 495, fold 0).
    """
    local = instant.astimezone(ZoneInfo(timezone))
    year, month = divmod(local.year * 12 + local.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last), fold=0)
