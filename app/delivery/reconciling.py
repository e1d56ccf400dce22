"""Deciding the unknown: evidence proves an acceptance; silence disproves it, but only where SES is heard.

Events queue while the webhook is away or behind, and sending again then would mail people twice. So each
campaign keeps how far its events have come (`heard_until`: the latest mail that one told of). Silence proves
something once they have come past the batch by the delay; at the end of a campaign, where no later mail is
to be told of, once they have told of all that SES is known to have accepted and came no further for as long.
Of a campaign none of whose calls was answered the others tell whether SES is heard at all.
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

MOST_AT_ONCE = 200
LONGEST_LAG_SECONDS = 3600
"""SNS gives an HTTPS endpoint up by then: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html"""
SLACK_SECONDS = 60
"""How long after we gave a call up SES may still accept it, and how far SES's clock may be from ours."""
log = structlog.get_logger(__name__)

# Only what can be decided: were the undecided among the first, those behind them would never be looked at.
_DECIDABLE: Final = """
    WITH all_campaigns AS (
        SELECT coalesce(max(heard_until), '-infinity') AS heard,
            max(accepted_until) FILTER (
                WHERE accepted_until > now() - make_interval(secs => $3::int)
            ) AS accepted
        FROM campaign_counters
    )
    SELECT b.school_id, b.campaign_id, b.number, b.attempt, b.tries, r.unsettled, k.in_doubt
    FROM batches b
    JOIN campaign_counters c ON c.school_id = b.school_id AND c.campaign_id = b.campaign_id
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(r.number ORDER BY r.number), '{}') AS unsettled
        FROM recipient_outcomes r
        WHERE r.school_id = b.school_id AND r.campaign_id = b.campaign_id
            AND r.number = ANY (b.recipients) AND r.status = 'unknown'
    ) AS r
    CROSS JOIN LATERAL (
        SELECT make_interval(secs => $2::int) AS delay,
            make_interval(secs => least($2::int, $4::int)) AS slack
    ) AS t
    CROSS JOIN LATERAL (
        SELECT coalesce(c.heard_until, '-infinity') AS heard, b.unknown_since + t.delay + t.slack AS past
    ) AS e
    CROSS JOIN LATERAL (
        SELECT e.heard < e.past AND (
            (c.accepted_until IS NOT NULL AND e.heard < least(c.accepted_until, e.past) AND (
                e.heard + t.slack < least(c.accepted_until, e.past)
                OR c.sent > c.delivered + c.bounced_permanent + c.bounced_soft + c.failed_after
            ))
            OR coalesce(c.heard_at + t.delay > now(), false)
        ) OR coalesce((
            SELECT a.heard < e.past AND a.heard + t.slack < a.accepted FROM all_campaigns a
        ), false) AS in_doubt
    ) AS k
    WHERE b.state = 'unknown' AND (
        r.unsettled = '{}'
        OR b.unknown_since + CASE WHEN k.in_doubt THEN make_interval(secs => $3::int) ELSE t.delay END < now()
    )
    ORDER BY b.school_id, b.campaign_id, b.number LIMIT $1 FOR UPDATE OF b SKIP LOCKED
"""
_CLOSE: Final = """
    UPDATE batches b SET state = v.state
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
    in_doubt: bool
    """Whether the events have not come as far, though SNS itself would no longer deliver one of it."""


async def settle_unknown(
    connection: AsyncConnection, *, reconcile_after: int, configuration_set: str | None
) -> None:
    """Close the unknown batches that evidence has settled; send the rest again once the delay is over.

    `reconcile_after` is in seconds. Where no event was ever seen for the configuration set, or none has come
    for over an hour of what was certainly accepted, silence proves nothing: they stay unknown.
    """
    hears = await has_events(connection, configuration_set=configuration_set or "")
    longest = max(LONGEST_LAG_SECONDS, reconcile_after) if hears else reconcile_after
    values = (MOST_AT_ONCE, reconcile_after, longest, SLACK_SECONDS)
    decidable = [Decidable(*row) for row in await run_sql(connection, _DECIDABLE, *values)]
    if not decidable:
        return
    silent = [each for each in decidable if each.unsettled]
    if hears:
        await _send_again(connection, [each for each in silent if not each.in_doubt])
    columns = (
        [each.school_id for each in decidable],
        [each.campaign_id for each in decidable],
        [each.batch for each in decidable],
        ["undecided" if each.unsettled and (each.in_doubt or not hears) else "done" for each in decidable],
    )
    await run_sql(connection, _CLOSE, *columns)


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
