"""Filters on subscriptions."""

from typing import ClassVar, Literal

from sqlalchemy import Select, or_, select

from app.audience.base import Filter
from app.audience.narrowing import Record
from app.audience.scope import Scope
from app.directory.models import Subscription


class ActiveSubscriptions(Filter):
    """Users with a subscription that is active or trialing, its period not over."""

    record: ClassVar[Record] = Record(category=Subscription.category)

    kind: Literal["active_subscriptions"]

    def users(self, scope: Scope) -> Select[str]:
        """Return the users whose subscription runs now."""
        end = Subscription.current_period_end
        return select(Subscription.user).where(
            Subscription.school_id == scope.school_id,
            Subscription.status.in_(("active", "trialing")),
            or_(end.is_(None), end > scope.now),
        )
