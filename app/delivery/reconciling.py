"""Deciding the unknown: evidence proves an acceptance; silence disproves it, but only where SES is heard.

Events queue while the webhook is away or behind. Sending again then would mail people twice, so the others
are asked first: as long as mail that SES accepted at about the same time is unheard of, or was heard of only
now, the events have not come as far as this batch: its silence proves nothing, and the delay starts over.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.core.db import run_sql
from app.delivery.settlement import FollowUp
from app.delivery.settling import add_batch
from app.recipients.evidence import has_events
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts

MOST_AT_ONCE = 50
LONGEST_LAG_SECONDS = 3600
"""SNS gives an HTTPS endpoint up by then: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html"""
WITNESSES = 20
"""Batches called at about the same time, each of up to 50 recipients: so many that were answered, which
know of acceptances, and so many that were not, of which the first may just be heard of."""
LATE_ACCEPTANCE_SECONDS = 60
"""How long after we gave a call up SES may still accept it."""
log = structlog.get_logger(__name__)

# Only what can be decided: were the undecided among the first, those behind them would never be looked at.
_DECIDABLE: Final = """
    SELECT b.school_id, b.campaign_id, b.number, b.attempt, b.tries, r.unsettled,
        b.unknown_since + make_interval(secs => $3) < now()
    FROM batches b
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(r.number ORDER BY r.number), '{}') AS unsettled
        FROM recipients r
        WHERE r.school_id = b.school_id AND r.campaign_id = b.campaign_id
            AND r.number = ANY (b.recipients) AND r.status = 'unknown'
    ) AS r
    WHERE b.state = 'unknown' AND (
        r.unsettled = '{}'
        OR coalesce(b.silent_since, b.unknown_since) + make_interval(secs => $2) < now()
    )
    ORDER BY b.school_id, b.campaign_id, b.number LIMIT $1 FOR UPDATE OF b SKIP LOCKED
"""
# Opens and clicks come by another road than SES's events; who was erased has no history to be heard in.
_IN_DOUBT: Final = """
    SELECT b.number
    FROM batches b
    WHERE (b.school_id, b.campaign_id, b.number) IN (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])
        )
        AND EXISTS (
            SELECT FROM (
                (SELECT n.recipients FROM batches n
                WHERE n.school_id = b.school_id AND n.campaign_id = b.campaign_id AND n.state = 'done'
                ORDER BY abs(extract(epoch FROM n.called_at - b.called_at)) LIMIT $5)
                UNION ALL
                (SELECT n.recipients FROM batches n
                WHERE n.school_id = b.school_id AND n.campaign_id = b.campaign_id AND n.state = 'unknown'
                ORDER BY abs(extract(epoch FROM n.called_at - b.called_at)) LIMIT $5)
            ) AS near
            JOIN recipients r ON r.school_id = b.school_id AND r.campaign_id = b.campaign_id
                AND r.number = ANY (near.recipients)
            WHERE r.email IS NOT NULL
                AND r.accepted_at < b.unknown_since + make_interval(secs => least($4::int, $6::int))
                AND NOT EXISTS (
                    SELECT FROM email_events e
                    WHERE e.school_id = r.school_id AND e.campaign_id = r.campaign_id AND e.number = r.number
                        AND e.occurred_at > b.unknown_since - interval '1 day'
                        AND e.kind NOT IN ('open', 'click')
                        AND e.recorded_at < now() - make_interval(secs => $4::int)
                )
        )
"""
_CLOSE: Final = """
    UPDATE batches b SET state = v.state, silent_since = CASE v.state WHEN 'unknown' THEN now() END
    FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[]) AS v (school_id, campaign_id, number, state)
    WHERE (b.school_id, b.campaign_id, b.number) = (v.school_id, v.campaign_id, v.number)
"""


class Decidable(NamedTuple):
    """An unknown batch whose recipients are all settled, or that has waited long enough for evidence."""

    school_id: UUID
    campaign_id: UUID
    batch: int
    attempt: int
    tries: int
    unsettled: list[int]
    given_up: bool
    """Whether SNS itself would no longer deliver an event of it."""


async def settle_unknown(
    connection: AsyncConnection, *, reconcile_after: int, configuration_set: str | None
) -> None:
    """Close the unknown batches that evidence has settled; send the rest again once the delay is over.

    `reconcile_after` is in seconds. Where no event was ever seen for the configuration set, or none has come
    for over an hour of what was certainly accepted, silence proves nothing: they stay unknown.
    """
    longest = max(LONGEST_LAG_SECONDS, reconcile_after)
    rows = await run_sql(connection, _DECIDABLE, MOST_AT_ONCE, reconcile_after, longest)
    decidable = [Decidable(*row) for row in rows]
    if not decidable:
        return
    hears = await has_events(connection, configuration_set=configuration_set or "")
    silent = [each for each in decidable if each.unsettled]
    doubted = await _find_doubted(connection, silent, reconcile_after) if silent and hears else set()
    states = {each.batch: _decide(each, hears=hears, in_doubt=each.batch in doubted) for each in decidable}
    await _send_again(connection, [each for each in silent if states[each.batch] == "done"])
    columns = (
        [each.school_id for each in decidable],
        [each.campaign_id for each in decidable],
        [each.batch for each in decidable],
        [states[each.batch] for each in decidable],
    )
    await run_sql(connection, _CLOSE, *columns)


def _decide(batch: Decidable, *, hears: bool, in_doubt: bool) -> str:
    """Return the state the batch goes to."""
    if not batch.unsettled:
        return "done"
    if not hears:
        return "undecided"
    if in_doubt:
        return "undecided" if batch.given_up else "unknown"
    return "done"


async def _find_doubted(
    connection: AsyncConnection, silent: Sequence[Decidable], reconcile_after: int
) -> set[int]:
    """Return the batches at whose time somebody got mail who is unheard of, or was just heard of at last."""
    columns = (
        [each.school_id for each in silent],
        [each.campaign_id for each in silent],
        [each.batch for each in silent],
    )
    rows = await run_sql(connection, _IN_DOUBT, *columns, reconcile_after, WITNESSES, LATE_ACCEPTANCE_SECONDS)
    doubted = {row[0] for row in rows}
    if doubted:
        log.warning("events come late: who may have mail is not sent any", batches=len(doubted))
    return doubted


async def _send_again(connection: AsyncConnection, silent: Sequence[Decidable]) -> None:
    """Begin a new attempt; the facts of all at once, so that rows and counters are locked in their order."""
    if not silent:
        return
    at = now()
    await record_facts(
        connection,
        [
            Fact(
                RecipientKey(each.school_id, each.campaign_id, number),
                FactKind.REQUEUED,
                at,
                attempt=each.attempt + 1,
            )
            for each in silent
            for number in each.unsettled
        ],
    )
    for each in silent:
        again = FollowUp(tuple(each.unsettled), each.attempt + 1, each.tries, 0)
        await add_batch(connection, each.school_id, each.campaign_id, again)
        log.info(
            "no evidence came: sent again", campaign_id=str(each.campaign_id), recipients=len(each.unsettled)
        )
