"""The SQL of the hot path: rows travel as one array a column, whatever their number.

A column that is the same in all of them travels once: most batches are one campaign's, events of one kind.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, get_type_hints
from uuid import UUID

from app.recipients.counters import COUNTED
from app.recipients.facts import Fact, RecipientKey
from app.recipients.outcome import State

_POSTGRES_TYPES: Final = {"int": "int", "str": "text", "bool": "bool", "datetime": "timestamptz"}


def _postgres_type(annotation: object) -> str:
    name = getattr(annotation, "__name__", str(annotation))
    return _POSTGRES_TYPES[name.removesuffix(" | None").rsplit(".", maxsplit=1)[-1]]


_STATE: Final = {
    name: _postgres_type(getattr(kind, "__args__", (kind,))[0])
    for name, kind in get_type_hints(State).items()
}
_KEY: Final = {"school_id": "uuid", "campaign_id": "uuid", "number": "int"}
_ONE_CAMPAIGN: Final = frozenset({"school_id", "campaign_id"})
_FACTS: Final = {"status": "text", **_STATE}
EVENT: Final = {
    **_KEY,
    "occurred_at": "timestamptz",
    "key": "bytea",
    "kind": "text",
    "machine": "text",
    "link": "int",
    "code": "text",
    "diagnostic": "text",
    "agent": "text",
}
"""Columns of an event, and their types."""


def give_rows(types: Mapping[str, str], same: Collection[str]) -> str:
    """Return what the rows are read from: `$1`… in this order, an array each but for those in `same`."""
    places = {name: f"${i}::{kind}" for i, (name, kind) in enumerate(types.items(), 1)}
    columns = [f"{place} AS {name}" for name, place in places.items() if name in same]
    arrays = {name: f"{place}[]" for name, place in places.items() if name not in same}
    return (
        f"(SELECT {', '.join([*columns, 'each.*'])}"  # noqa: S608  # only names of this module's own go in
        f" FROM unnest({', '.join(arrays.values())}) AS each ({', '.join(arrays)}))"
    )


def lay_out(
    types: Iterable[str], rows: Iterable[Sequence[object]], *, apart: str
) -> tuple[frozenset[str], list[object]]:
    """Return the columns of which one value stands for all, and what each column travels as.

    There is at least one row; the column `apart` is an array even so.
    """
    columns = dict(zip(types, map(list, zip(*rows, strict=True)), strict=True))
    same = frozenset(name for name, values in columns.items() if values.count(values[0]) == len(values))
    same -= {apart}
    return same, [values[0] if name in same else values for name, values in columns.items()]


def tell_event(fact: Fact) -> tuple[object, ...]:
    """Return the columns of EVENT."""
    return (
        *fact.recipient,
        fact.at,
        fact.key,
        fact.note or fact.kind.value,
        fact.machine,
        fact.link,
        fact.code,
        fact.diagnostic,
        fact.agent,
    )


# The keys come in order, and each is looked up by itself, so the rows are locked in that order. A plan that
# reads the table instead would be chosen while it is small, and cost more than all the rest.
_OF_KEY: Final = "(school_id, campaign_id, number) = (k.school_id, k.campaign_id, k.number)"


@lru_cache(maxsize=2)
def hold_recipients(same: frozenset[str]) -> str:
    """Return the statement that locks the outcomes of these recipients, made where there are none yet.

    An upsert that changes nothing locks what is there, and waits for whoever is making it.
    """
    return f"""
        INSERT INTO recipient_outcomes (school_id, campaign_id, number, "user")
        SELECT k.school_id, k.campaign_id, k.number, known."user"
        FROM {give_rows(_KEY, same)} AS k
        CROSS JOIN LATERAL (
            SELECT NULL::varchar AS "user" FROM recipient_outcomes WHERE {_OF_KEY}
            UNION ALL SELECT "user" FROM recipients WHERE {_OF_KEY}
            LIMIT 1
        ) AS known
        ON CONFLICT (school_id, campaign_id, number) DO UPDATE SET attempt = excluded.attempt WHERE false
    """  # noqa: S608  # only names of this module's own go in


@lru_cache(maxsize=2)
def read_recipients(same: frozenset[str]) -> str:
    """Return the statement that reads the states of the recipients of these keys."""
    return f"""
        SELECT o.school_id, o.campaign_id, o.number, o."user" IS NULL, {", ".join(f"o.{n}" for n in _STATE)}
        FROM {give_rows(_KEY, same)} AS k
        CROSS JOIN LATERAL (SELECT FROM recipients WHERE {_OF_KEY} OFFSET 0) AS r
        CROSS JOIN LATERAL (SELECT * FROM recipient_outcomes WHERE {_OF_KEY} OFFSET 0) AS o
    """  # noqa: S608  # only names of this module's own go in


@lru_cache(maxsize=2)
def find_strangers(same: frozenset[str]) -> str:
    """Return the statement that tells which of these keys are no recipients'."""
    return f"""
        SELECT k.school_id, k.campaign_id, k.number
        FROM {give_rows(_KEY, same)} AS k
        LEFT JOIN LATERAL (SELECT true AS known FROM recipients WHERE {_OF_KEY} OFFSET 0) AS r ON true
        WHERE r.known IS NULL
    """  # noqa: S608  # only names of this module's own go in


DROP_OUTCOMES: Final = """
    DELETE FROM recipient_outcomes o
    USING unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (school_id, campaign_id, number)
    WHERE (o.school_id, o.campaign_id, o.number) = (k.school_id, k.campaign_id, k.number)
"""


@lru_cache(maxsize=128)
def add_events(same: frozenset[str]) -> str:
    """Return the statement that adds events to the history and tells the keys of those that are new."""
    return f"""
        INSERT INTO email_events ({", ".join(EVENT)}) SELECT {", ".join(EVENT)}
        FROM {give_rows(EVENT, same)} AS v
        ON CONFLICT DO NOTHING
        RETURNING key
    """  # noqa: S608  # only names of this module's own go in


READ_TRACES: Final = """
    SELECT k.school_id, k.campaign_id, k.number,
        (SELECT count(*)::int FROM campaign_links l
            WHERE l.school_id = k.school_id AND l.campaign_id = k.campaign_id),
        e.key, e.kind, e.occurred_at, e.machine, e.link, e.agent
    FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (school_id, campaign_id, number)
    JOIN email_events e
        ON (e.school_id, e.campaign_id, e.number) = (k.school_id, k.campaign_id, k.number)
    WHERE e.kind = ANY ($4::text[])
"""

_VERDICT: Final = {name: EVENT[name] for name in (*_KEY, "occurred_at", "key", "machine")}
MARK_TRACES: Final = f"""
    UPDATE email_events e SET machine = v.machine
    FROM {give_rows(_VERDICT, ())} AS v
    WHERE (e.school_id, e.campaign_id, e.number, e.occurred_at, e.key)
        = (v.school_id, v.campaign_id, v.number, v.occurred_at, v.key)
"""  # noqa: S608  # only names of this module's own go in


@lru_cache(maxsize=256)
def write_back(names: tuple[str, ...], same: frozenset[str]) -> str:
    """Return the statement that writes these columns of outcomes, after the three of the key."""
    columns = {**_KEY, **{name: _FACTS[name] for name in names}}
    return f"""
        UPDATE recipient_outcomes r
        SET {", ".join(f"{name} = v.{name}" for name in names)}
        FROM {give_rows(columns, same)} AS v
        WHERE (r.school_id, r.campaign_id, r.number) = (v.school_id, v.campaign_id, v.number)
    """  # noqa: S608  # only names of this module's own go in


def key_columns(keys: Collection[RecipientKey]) -> tuple[list[UUID], list[UUID], list[int]]:
    """Return the keys as one array a column."""
    return (
        [key.school_id for key in keys],
        [key.campaign_id for key in keys],
        [key.number for key in keys],
    )


def share_campaign(keys: Sequence[RecipientKey]) -> tuple[frozenset[str], list[object]]:
    """Return which columns of the keys are the same for all, if they are of one campaign, and the values."""
    schools, campaigns, numbers = key_columns(keys)
    if campaigns.count(campaigns[0]) == schools.count(schools[0]) == len(keys):
        return _ONE_CAMPAIGN, [schools[0], campaigns[0], numbers]
    return frozenset(), [schools, campaigns, numbers]


_ACCEPTED, _HEARD = (f"${len(COUNTED) + place}::timestamptz" for place in (3, 4))
ADD_TO_COUNTERS: Final = f"""
    UPDATE campaign_counters
    SET {", ".join(f"{name} = {name} + ${i}" for i, name in enumerate(COUNTED, 3))},
        accepted_until = greatest(accepted_until, {_ACCEPTED}),
        heard_until = greatest(heard_until, {_HEARD}),
        heard_at = CASE WHEN {_HEARD} > coalesce(heard_until, '-infinity') THEN now() ELSE heard_at END
    WHERE school_id = $1 AND campaign_id = $2
"""  # noqa: S608  # only names of this module's own go in
