"""What a push makes of preferences: settled against what was unsubscribed here, noted as proof of consent.

All of it SQL, as users come by the thousand; one statement for a batch of the API and a chunk of an import.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import add

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.sql.dml import Delete
from sqlalchemy.sql.selectable import LateralFromClause

from app.core.db import Instant
from app.core.ids import new_id
from app.directory.consent import SUBSCRIBABLE
from app.directory.models import PreferenceChange, Suppression, Unsubscription, User


@dataclass(frozen=True, slots=True)
class _Wish:
    """One message type's preference: as stored, as pushed, and what becomes of it."""

    kind: str
    before: ColumnElement[str]
    pushed: ColumnElement[str]
    since: ColumnElement[datetime]
    """When the address unsubscribed here, or the one the user had until now; null if neither did."""
    changed_at: ColumnElement[datetime]

    @property
    def lifts(self) -> ColumnElement[bool]:
        """A `subscribed` that is newer than the unsubscription."""
        return and_(self.pushed == "subscribed", func.coalesce(self.changed_at > self.since, False))

    @property
    def is_kept(self) -> ColumnElement[bool]:
        """An unsubscription stands against a `subscribed`."""
        return and_(
            self.pushed == "subscribed",
            self.since.is_not(None),
            func.coalesce(self.changed_at <= self.since, True),
        )

    @property
    def after(self) -> ColumnElement[str]:
        """The preference from now on; one that is left out stays."""
        return case(
            (self.since.is_(None), func.coalesce(self.pushed, self.before)),
            (self.lifts, literal("subscribed")),
            else_=literal("unsubscribed"),
        )


def settle_users(pushed: FromClause) -> CTE:
    """Return the pushed users with their preferences settled, and what is known of their addresses.

    Beside the table's own columns: each preference `…_before`; `kept` and `lifted`, counts; `left_address`,
    the one the user had until now, if it was another; `moved`, whether they have come to a new one.
    """
    stored = (
        select(User.address_key, User.marketing, User.newsletter)
        .where(User.school_id == pushed.c.school_id, User.external_id == pushed.c.external_id)
        .offset(0)  # a probe for each row, as in `lookup`
        .lateral("stored")
    )
    joined: FromClause = pushed.outerjoin(stored, literal(True))
    wishes = []
    for kind in SUBSCRIBABLE:
        left = _find_unsubscription(pushed, stored, kind)
        joined = joined.outerjoin(left, literal(True))
        before = func.coalesce(stored.c[kind], "unset")
        wishes.append(_Wish(kind, before, pushed.c[kind], left.c.since, pushed.c.preferences_changed_at))
    moved = stored.c.address_key.is_distinct_from(pushed.c.address_key)
    return (
        select(
            *(column for column in pushed.c if column.key not in SUBSCRIBABLE),
            *(wish.after.label(wish.kind) for wish in wishes),
            *(wish.before.label(f"{wish.kind}_before") for wish in wishes),
            _count(*(wish.is_kept for wish in wishes)).label("kept"),
            _count(*(wish.lifts for wish in wishes)).label("lifted"),
            _is_suppressed(pushed).label("suppressed"),
            moved.label("moved"),
            case((moved, stored.c.address_key)).label("left_address"),
        )
        .select_from(joined)
        .cte("settled")
    )


def stamp_changes(at: datetime) -> dict[str, object]:
    """Return the values that `note_changes` needs: the instant, and the beginning of the ids made for it."""
    return {"noted_at": at, "noted_id": str(new_id())[:15]}


def note_changes(settled: CTE) -> CTE:
    """Keep every change of a preference, as of when the platform says or else now (`stamp_changes`)."""
    # The ids are UUIDv7: time and version of a new one, the rest of a random one.
    begin, rest = bindparam("noted_id", type_=Text), func.substr(cast(func.gen_random_uuid(), Text), 16)
    changes = union_all(
        *(
            select(
                settled.c.school_id,
                cast(begin + rest, Uuid),
                settled.c.address_key,
                literal(kind),
                settled.c[kind],
                literal("sync"),
                func.coalesce(settled.c.preferences_changed_at, bindparam("noted_at", type_=Instant)),
            ).where(settled.c[kind] != settled.c[f"{kind}_before"])
            for kind in SUBSCRIBABLE
        )
    )
    names = ["school_id", "id", "address_key", "message_type", "preference", "source", "changed_at"]
    return insert(PreferenceChange).from_select(names, changes).cte("noted")


def lift_unsubscriptions(pushed: FromClause) -> Delete:
    """Take away the unsubscriptions that are older than a pushed `subscribed`."""
    newer = or_(
        *(and_(Unsubscription.message_type == kind, pushed.c[kind] == "subscribed") for kind in SUBSCRIBABLE)
    )
    return delete(Unsubscription).where(
        Unsubscription.school_id == pushed.c.school_id,
        Unsubscription.address_key == pushed.c.address_key,
        pushed.c.preferences_changed_at > Unsubscription.since,
        newer,
    )


def _find_unsubscription(pushed: FromClause, stored: FromClause, kind: str) -> LateralFromClause:
    return (
        select(func.max(Unsubscription.since).label("since"))
        .where(
            Unsubscription.school_id == pushed.c.school_id,
            Unsubscription.address_key == func.any(array([pushed.c.address_key, stored.c.address_key])),
            Unsubscription.message_type == kind,
        )
        .offset(0)
        .lateral(f"left_{kind}")
    )


def _is_suppressed(pushed: FromClause) -> ColumnElement[bool]:
    return exists().where(
        Suppression.school_id == pushed.c.school_id, Suppression.address_key == pushed.c.address_key
    )


def _count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
    return reduce(add, (case((condition, 1), else_=0) for condition in conditions))
