"""The SQL of the plain case: events enter the history and their recipients' rows change, in one statement.

Each statement looks up the recipients one by one in the order given, and leaves alone those whose row is not
as the plain case needs it. It returns one row: whether anything was done, and arrays.

Nobody may lock those who have a row before he makes those of others. So unless the caller holds them all,
each locks the recipients in their order where all have a row, and does nothing at all where one has none.
"""

from functools import lru_cache
from typing import Final

from app.recipients.facts import FactKind
from app.recipients.machine import LONGEST_HOLD, SOONEST
from app.recipients.statements import EVENT, give_rows

REPORT: Final = EVENT | {"mailed_at": "timestamptz", "message_id": "text"}
"""What is told of a report of the provider's; of a visit it is the event alone."""

_CLICK, _OPEN = f"kind = '{FactKind.CLICKED}'", f"kind = '{FactKind.OPENED}'"
_DELIVERY, _SEND = f"kind = '{FactKind.DELIVERED}'", f"kind = '{FactKind.SENT}'"

# Erased people, and those of whom the provider suspects something, go the general way.
_IN_GOOD_ORDER: Final = 'r."user" IS NOT NULL AND NOT r.suspected AND r.accepted_at IS NOT NULL'
_NO_CLICKS: Final = "r.click_count = 0 AND r.machine_click_count = 0"
# A second click can show that both were a machine's, a first one only that it came with the mail.
_PLAIN_VISIT: Final = f"""
    {_IN_GOOD_ORDER} AND r.accepted_at <= g.occurred_at AND (
        g.{_OPEN}
        OR g.{_CLICK} AND {_NO_CLICKS} AND (
            g.machine IS NOT NULL OR r.delivered_at IS NULL
            OR g.occurred_at < r.delivered_at - interval '{LONGEST_HOLD.total_seconds()} s'
            OR g.occurred_at > r.delivered_at + interval '{SOONEST.total_seconds()} s'
        )
    )
"""
# A delivery can show that clicks came with the mail, and is the weightiest word only after an acceptance.
_PLAIN_REPORT: Final = f"""
    {_IN_GOOD_ORDER} AND r.message_id = g.message_id AND (
        g.{_SEND}
        OR g.{_DELIVERY} AND r.status = 'accepted' AND {_NO_CLICKS}
    )
"""


_OF_KEY: Final = "(school_id, campaign_id, number) = (g.school_id, g.campaign_id, g.number)"
_HAVE_ROWS: Final = f"""
    SELECT bool_and(r.found IS NOT NULL) AS all FROM given g
    LEFT JOIN LATERAL (
        SELECT true AS found FROM recipient_outcomes WHERE {_OF_KEY} OFFSET 0
    ) AS r ON true
"""  # noqa: S608  # only names of this module's own go in, here and below


def _find_plain(types: dict[str, str], same: frozenset[str], condition: str, *, held: bool) -> str:
    """Return the beginning of a statement: `plain` are the given rows that their recipients' rows suit."""
    return f"""
        WITH given AS MATERIALIZED (
            SELECT * FROM {give_rows(types, same)} AS g
        ), ready AS MATERIALIZED (
            {"SELECT true AS all" if held else _HAVE_ROWS}
        ), plain AS MATERIALIZED (
            SELECT g.*
            FROM given AS g
            CROSS JOIN LATERAL (
                SELECT "user", suspected, accepted_at, status, message_id, delivered_at, click_count,
                    machine_click_count
                FROM recipient_outcomes
                WHERE {_OF_KEY} AND (SELECT ready.all FROM ready)
                OFFSET 0
                {"" if held else "FOR UPDATE"}
            ) AS r
            WHERE {condition}
        ), added AS (
            INSERT INTO email_events ({", ".join(EVENT)}) SELECT {", ".join(EVENT)} FROM plain
            ON CONFLICT DO NOTHING
            RETURNING school_id, campaign_id, number, occurred_at, key, kind, machine
        )
    """  # noqa: S608  # only names of this module's own go in


@lru_cache(maxsize=128)
def record_visits(same: frozenset[str], *, held: bool) -> str:
    """Return the statement that records opens and first clicks.

    It returns whether it was done, the keys of those that are new, and the recipients' counts of opens,
    opens by machines and clicks with them.
    """
    person, machine = "v.machine IS NULL", "v.machine IS NOT NULL"
    return f"""
        {_find_plain(EVENT, same, _PLAIN_VISIT, held=held)}, changed AS (
            UPDATE recipient_outcomes r
            SET open_count = r.open_count + (v.{_OPEN} AND {person})::int,
                machine_open_count = r.machine_open_count + (v.{_OPEN} AND {machine})::int,
                first_opened_at = least(r.first_opened_at, opened.at),
                last_opened_at = greatest(r.last_opened_at, opened.at),
                click_count = r.click_count + (v.{_CLICK} AND {person})::int,
                machine_click_count = r.machine_click_count + (v.{_CLICK} AND {machine})::int,
                first_clicked_at = least(r.first_clicked_at, clicked.at),
                last_clicked_at = greatest(r.last_clicked_at, clicked.at)
            FROM added v,
                LATERAL (SELECT CASE WHEN v.{_OPEN} AND {person} THEN v.occurred_at END AS at) AS opened,
                LATERAL (SELECT CASE WHEN v.{_CLICK} AND {person} THEN v.occurred_at END AS at) AS clicked
            WHERE (r.school_id, r.campaign_id, r.number) = (v.school_id, v.campaign_id, v.number)
            RETURNING v.key, r.open_count, r.machine_open_count, r.click_count
        )
        SELECT (SELECT ready.all FROM ready), array_agg(key), array_agg(open_count),
            array_agg(machine_open_count), array_agg(click_count)
        FROM changed
    """  # noqa: S608  # only names of this module's own go in


@lru_cache(maxsize=128)
def record_reports(same: frozenset[str], *, held: bool) -> str:
    """Return the statement that records sends and first deliveries.

    It returns whether it was done, the keys of all that it recorded, and of those that were new in the
    history: to hear of such a thing again changes nothing.
    """
    return f"""
        {_find_plain(REPORT, same, _PLAIN_REPORT, held=held)}, changed AS (
            UPDATE recipient_outcomes r
            SET accepted_at = least(r.accepted_at, coalesce(v.mailed_at, v.occurred_at)),
                delivered_at = CASE WHEN v.{_DELIVERY} THEN v.occurred_at ELSE r.delivered_at END,
                status = CASE WHEN v.{_DELIVERY} THEN 'delivered' ELSE r.status END
            FROM plain v
            WHERE (r.school_id, r.campaign_id, r.number) = (v.school_id, v.campaign_id, v.number)
            RETURNING v.key
        )
        SELECT ready.all, (SELECT array_agg(key) FROM changed), (SELECT array_agg(key) FROM added) FROM ready
    """  # noqa: S608  # only names of this module's own go in
