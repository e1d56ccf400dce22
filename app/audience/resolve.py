"""Who is matched, who of them may be mailed, and why the others may not: one statement."""

from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import CTE, ColumnElement, Select, and_, case, exists, func, literal, null, or_, select

from app.audience.audience import Audience
from app.audience.base import Scope
from app.directory.models import Suppression, Unsubscription, User

MessageType = Literal["operational", "marketing", "newsletter"]
Reason = Literal["unsubscribed", "suppressed", "duplicate_address", "unsendable_address", "erased"]
REASONS: tuple[Reason, ...] = get_args(Reason)


@dataclass(frozen=True, slots=True)
class Question:
    """An audience, the type of message it is asked for, and the school's rule on opting in."""

    audience: Audience
    message_type: MessageType
    require_opt_in: bool


def judge_audience(scope: Scope, question: Question) -> CTE:
    """Return one row for each user matched, with `reason` null for those who are to be mailed.

    Of several who may be mailed at one address the oldest account wins, so an older account that has
    unsubscribed by itself does not take the mail from a younger one.
    """
    obstacle = _judge_user(question).label("obstacle")
    matched = (
        select(
            User.external_id,
            User.email,
            User.wire_address,
            User.address_key,
            User.first_name,
            User.last_name,
            User.attributes,
            User.registered_at,
            User.created_at,
            obstacle,
        )
        .where(
            User.school_id == scope.school_id,
            User.external_id.in_(question.audience.filter.users(scope)),
        )
        .cte("matched")
    )
    turn = func.row_number().over(
        partition_by=(matched.c.address_key, matched.c.obstacle.is_(None)),
        order_by=(matched.c.registered_at.asc().nulls_last(), matched.c.created_at, matched.c.external_id),
    )
    reason = case(
        (matched.c.obstacle.is_not(None), matched.c.obstacle),
        (turn > 1, literal("duplicate_address")),
        else_=null(),
    )
    return select(matched, reason.label("reason")).cte("judged")


def _judge_user(question: Question) -> ColumnElement[str]:
    cases = [
        (User.wire_address.is_(None), literal("unsendable_address")),
        (_is_suppressed(), literal("suppressed")),
    ]
    if question.message_type != "operational":
        cases.append((_is_unsubscribed(question), literal("unsubscribed")))
    return case(*cases, else_=null())


def _is_suppressed() -> ColumnElement[bool]:
    return exists().where(
        Suppression.school_id == User.school_id, Suppression.address_key == User.address_key
    )


def _is_unsubscribed(question: Question) -> ColumnElement[bool]:
    preference = User.marketing if question.message_type == "marketing" else User.newsletter
    wish = preference != "subscribed" if question.require_opt_in else preference == "unsubscribed"
    lasting = exists().where(
        and_(
            Unsubscription.school_id == User.school_id,
            Unsubscription.address_key == User.address_key,
            Unsubscription.message_type == question.message_type,
        )
    )
    return or_(wish, lasting)


def count_judged(judged: CTE) -> Select[str | None, int]:
    """Count the matched by reason."""
    return select(judged.c.reason, func.count()).group_by(judged.c.reason)
