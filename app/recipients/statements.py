"""The SQL of the hot path: rows travel as one array a column, whatever their number."""

from typing import Final, get_type_hints

from app.recipients.counters import COUNTED
from app.recipients.outcome import State

_POSTGRES_TYPES: Final = {"int": "int", "str": "text", "bool": "bool", "datetime": "timestamptz"}


def _postgres_type(annotation: object) -> str:
    name = getattr(annotation, "__name__", str(annotation))
    return _POSTGRES_TYPES[name.removesuffix(" | None").rsplit(".", maxsplit=1)[-1]]


_STATE: Final = {
    name: _postgres_type(getattr(kind, "__args__", (kind,))[0])
    for name, kind in get_type_hints(State).items()
}
_COLUMNS: Final = {"school_id": "uuid", "campaign_id": "uuid", "number": "int", "status": "text", **_STATE}


def _unnest(types: list[str]) -> str:
    return "unnest(" + ", ".join(f"${i}::{kind}[]" for i, kind in enumerate(types, 1)) + ")"


LOCK_RECIPIENTS: Final = f"""
    SELECT r.school_id, r.campaign_id, r.number, r.email IS NULL, {", ".join(f"r.{name}" for name in _STATE)}
    FROM recipients r
    JOIN unnest($1::uuid[], $2::uuid[], $3::int[]) AS k (school_id, campaign_id, number)
        ON (r.school_id, r.campaign_id, r.number) = (k.school_id, k.campaign_id, k.number)
    ORDER BY r.school_id, r.campaign_id, r.number
    FOR UPDATE OF r
"""  # noqa: S608  # only names of this module's own go in

ADD_EVENTS: Final = f"""
    INSERT INTO email_events
        (school_id, campaign_id, number, occurred_at, key, kind, machine, link, code, diagnostic)
    SELECT * FROM {
    _unnest(["uuid", "uuid", "int", "timestamptz", "bytea", "text", "text", "int", "text", "text"])
}
    ON CONFLICT DO NOTHING
    RETURNING key
"""  # noqa: S608  # only names of this module's own go in

WRITE_BACK: Final = f"""
    UPDATE recipients r
    SET {", ".join(f"{name} = v.{name}" for name in ("status", *_STATE))}
    FROM {_unnest(list(_COLUMNS.values()))} AS v ({", ".join(_COLUMNS)})
    WHERE (r.school_id, r.campaign_id, r.number) = (v.school_id, v.campaign_id, v.number)
"""  # noqa: S608  # only names of this module's own go in

_ACCEPTED, _HEARD = (f"${len(COUNTED) + place}::timestamptz" for place in (3, 4))
ADD_TO_COUNTERS: Final = f"""
    UPDATE campaign_counters
    SET {", ".join(f"{name} = {name} + ${i}" for i, name in enumerate(COUNTED, 3))},
        accepted_until = greatest(accepted_until, {_ACCEPTED}),
        heard_until = greatest(heard_until, {_HEARD}),
        heard_at = CASE WHEN {_HEARD} > coalesce(heard_until, '-infinity') THEN now() ELSE heard_at END
    WHERE school_id = $1 AND campaign_id = $2
"""  # noqa: S608  # only names of this module's own go in
