"""Who is matched, who of them may be mailed, and why the others may not.

Counting, showing and freezing an audience are statements of one family, so that they agree. All of it is
judged by `users` alone: its columns say whether an address is suppressed, shared or unsubscribed.
"""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, get_args
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Subquery,
    and_,
    case,
    distinct,
    func,
    literal,
    null,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute
from typing_extensions import TypeAliasType

from app.audience.audience import FilteredAudience
from app.audience.narrow import Narrow
from app.audience.narrowing import get_user
from app.audience.scope import Scope
from app.directory.models import User

MessageType = TypeAliasType("MessageType", Literal["operational", "marketing", "newsletter"])
ExclusionReason = TypeAliasType(
    "ExclusionReason",
    Literal["unsubscribed", "suppressed", "duplicate_address", "unsendable_address", "erased"],
)
REASONS: tuple[ExclusionReason, ...] = get_args(ExclusionReason.__value__)
MATCHED = "matched"
DUPLICATE: Final = "duplicate_address"

Obstacles = list[tuple[ColumnElement[bool] | InstrumentedAttribute[bool], str]]


@dataclass(frozen=True, slots=True)
class Question:
    """An audience, the type of message it is asked for, and the school's rule on opting in."""

    audience: FilteredAudience
    message_type: MessageType
    require_opt_in: bool


async def tune_planner(session: AsyncSession, *, school_id: UUID) -> bool:
    """Have the rest of the transaction planned as the school's audiences need; tell whether it is small."""
    for setting in _SETTINGS:
        await session.execute(text(f"SET LOCAL {setting}"))
    # Of a school that came since the statistics were made the planner expects a row or two, and compares
    # everybody with everybody. Where that could matter, and all is read in no time, it may not.
    is_small = bool(await session.scalar(_IS_SMALL, {"school_id": school_id, "many": _MANY}))
    if is_small:
        await session.execute(text("SET LOCAL enable_nestloop = off"))
    return is_small


_MANY: Final = 50_000
"""Users; a larger school has the directory analysed by itself (`autovacuum_analyze_threshold`)."""
_IS_SMALL: Final = text("""
    SELECT count(*) < :many FROM (SELECT FROM users WHERE school_id = :school_id LIMIT :many) AS counted
""")

_SETTINGS: Final = (
    # A plan kept for any school and any status could not use the partial indexes.
    "plan_cache_mode = force_custom_plan",
    # Compiling a plan takes longer than most of them run.
    "jit = off",
    # A million ids are hashed in memory.
    "work_mem = '64MB'",
    # The planner expects a spinning disk, and passes by the indexes that hold all that is asked.
    "random_page_cost = 1.1",
    # Records read in the order of their users need no hashing to name each user once.
    "enable_hashagg = off",
    # What workers find is handed over in memory.
    "parallel_tuple_cost = 0.02",
)


def judge_audience(scope: Scope, question: Question) -> Subquery:
    """Return one row for each user matched, with `reason` null for those who are to be mailed.

    Of several who may be mailed at one address the oldest account wins, so an older account that has
    unsubscribed by itself does not take the mail from a younger one.
    """
    shown = (User.email, User.wire_address, User.address_key, User.first_name, User.last_name)
    matched = _select_matched(scope, question, *shown, User.attributes)
    alone = matched.where(~User.shares_address)
    return union_all(alone, _settle_sharing(matched.where(User.shares_address))).subquery("judged")


def count_judged(scope: Scope, question: Question, *, sample: int = 0) -> Select[Any]:
    """Return one row: how many are `matched`, of them how many fall to each of REASONS; if wanted a `sample`.

    One pass over the matched. Only those with an obstacle or a shared address are looked at closely: they
    are few, and have an index. Of those who could be mailed at one address, all but one are duplicates.
    """
    once = _match_once(scope, question)
    matched: FromClause = once.cte("matched") if sample else once.subquery("matched")
    doubtful = _select_doubtful(scope, question, User.shares_address, User.address_key).subquery("doubtful")
    reason = doubtful.c.reason
    rivals = and_(doubtful.c.shares_address, reason.is_(None))
    tally = (
        select(
            func.count().label(MATCHED),
            *(func.count().filter(reason == why).label(why) for why in REASONS if why != DUPLICATE),
            # Kept and counted afterwards: a count of distinct keys would have everybody sorted by them.
            func.array_agg(doubtful.c.address_key).filter(rivals).label("rivals"),
        )
        .select_from(matched.outerjoin(doubtful, doubtful.c.external_id == matched.c[0]))
        .cte("tally")
    )
    key = select(func.unnest(tally.c.rivals).label("key")).subquery().c.key
    duplicates = select(func.count() - func.count(distinct(key))).scalar_subquery()
    counts = {why: duplicates if why == DUPLICATE else tally.c[why] for why in REASONS}
    columns: list[Any] = [tally.c[MATCHED], *(count.label(why) for why, count in counts.items())]
    if sample:
        people = _sample(scope, question, matched, size=sample).subquery("person")
        columns.append(
            select(func.jsonb_agg(func.to_jsonb(people.table_valued()))).scalar_subquery().label("sample")
        )
    return select(*columns)


def is_found_at_once(audience: FilteredAudience) -> bool:
    """Tell whether the first matched are found before all are: of one filter, narrowed by wishes at most."""
    wishes = Narrow(preferences=audience.narrow.preferences)
    return not audience.filter.parts and audience.narrow == wishes


def sample_quickly(scope: Scope, question: Question, *, size: int) -> Select[Any]:
    """Return some of those who would be mailed, from the first who are found: nobody else is looked at.

    It may return too few, when those have obstacles or share their address.
    """
    first = match_users(scope, question.audience).limit(_LOOKED_AT * size).subquery("first")
    return _select_plain(scope, question, first).distinct().limit(size)


def sample_judged(scope: Scope, question: Question, *, size: int) -> Select[Any]:
    """Return some of those who would be mailed, `size` if there are so many: of all who are matched."""
    return _sample(scope, question, _match_once(scope, question).cte("matched"), size=size)


def _sample(scope: Scope, question: Question, matched: FromClause, *, size: int) -> Select[Any]:
    """Take those in no doubt, else of the others."""
    plain = _select_plain(scope, question, matched).limit(size).subquery()
    doubtful = _select_doubtful(scope, question, *_SHOWN[1:])
    judged = _settle_sharing(doubtful.where(User.external_id == matched.c[0])).subquery("judged")
    settled = select(*(judged.c[column.key] for column in _SHOWN)).where(judged.c.reason.is_(None))
    people = union_all(select(plain), select(settled.limit(size).subquery()))
    return select(people.subquery()).limit(size)


_LOOKED_AT: Final = 50
_SHOWN: Final = (User.external_id, User.first_name, User.last_name, User.email)


def _match_once(scope: Scope, question: Question) -> Select[str]:
    users = match_users(scope, question.audience)
    return users.distinct() if question.audience.filter.may_repeat() else users


def _select_doubtful(scope: Scope, question: Question, *columns: Any) -> Select[Any]:
    users = _select_users(scope, question, *columns)
    return users.where(or_(User.shares_address, _is_obstructed(question)))


def _select_plain(scope: Scope, question: Question, matched: FromClause) -> Select[Any]:
    columns: tuple[Any, ...] = _SHOWN
    return select(*columns).where(
        User.school_id == scope.school_id,
        User.external_id == matched.c[0],
        ~User.shares_address,
        ~_is_obstructed(question),
    )


def match_users(scope: Scope, audience: FilteredAudience) -> Select[str]:
    """Return the external ids of the users whom the narrowed filter names; repeats are possible."""
    users = audience.filter.narrowed(replace(scope, narrow=audience.narrow))
    wanted = _have_subscribed(audience)
    if not wanted:
        return users
    subscribers = select(User.external_id).where(User.school_id == scope.school_id, *wanted)
    return users.where(get_user(users).in_(subscribers))


def _have_subscribed(audience: FilteredAudience) -> list[ColumnElement[bool]]:
    return [getattr(User, preference) == "subscribed" for preference in audience.narrow.preferences]


def _find_obstacles(question: Question) -> Obstacles:
    obstacles: Obstacles = [
        (User.wire_address.is_(None), "unsendable_address"),
        (User.suppressed, "suppressed"),
    ]
    if question.message_type != "operational":
        preference = User.marketing if question.message_type == "marketing" else User.newsletter
        refuses = preference != "subscribed" if question.require_opt_in else preference == "unsubscribed"
        obstacles.append((refuses, "unsubscribed"))
    return obstacles


def _is_obstructed(question: Question) -> ColumnElement[bool]:
    return or_(*(condition for condition, _ in _find_obstacles(question)))


def _select_matched(scope: Scope, question: Question, *columns: Any) -> Select[Any]:
    audience = question.audience
    matched = audience.filter.narrowed(replace(scope, narrow=audience.narrow))
    users = _select_users(scope, question, *columns)
    return users.where(User.external_id.in_(matched), *_have_subscribed(audience))


def _select_users(scope: Scope, question: Question, *columns: Any) -> Select[Any]:
    """Return a row for each user, with what stands in the way of mailing them as `reason`."""
    obstacles = ((condition, literal(why)) for condition, why in _find_obstacles(question))
    obstacle = case(*obstacles, else_=null())
    return select(User.external_id, *columns, obstacle.label("reason")).where(
        User.school_id == scope.school_id
    )


def _settle_sharing(matched: Select[Any]) -> Select[Any]:
    """Make duplicates of all but the oldest of those who could be mailed at one address."""
    told = matched.add_columns(
        User.address_key.label("key"), User.registered_at.label("since"), User.created_at.label("arrived")
    ).subquery()
    turn = func.row_number().over(
        partition_by=(told.c.key, told.c.reason.is_(None)),
        order_by=(told.c.since.asc().nulls_last(), told.c.arrived, told.c.external_id),
    )
    reason = case((and_(told.c.reason.is_(None), turn > 1), "duplicate_address"), else_=told.c.reason)
    shown = [told.c[name] for name in matched.selected_columns.keys() if name != "reason"]  # noqa: SIM118  # no dict
    return select(*shown, reason.label("reason"))
