"""The plain case of recording: SES took mail for people of whom nothing else is known yet.

All but every recipient is accepted before anything is heard of them. Their merge is one constant change
(`outcome.merge_fact` on a fresh state), so PostgreSQL makes it itself and no row travels back and forth.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_lean
from app.core.metrics import COMMIT_ITEMS
from app.recipients.counters import COUNTED, Tally
from app.recipients.facts import Fact, FactKind
from app.recipients.record import record_rows
from app.recipients.rows import Campaign, add_changes, add_to_counters, drop_strangers

# In the order of keys, as everybody locks recipients; those of whom more is known as well, for they are
# changed next. Who is sent to again has a row already, in which nothing has come of the mail.
_ACCEPT: Final = """
    INSERT INTO recipient_outcomes (school_id, campaign_id, number, "user", status, accepted_at, message_id)
    SELECT $1, $2, given.number, r."user", 'accepted', given.accepted_at, given.message_id
    FROM unnest($3::int[], $4::timestamptz[], $5::text[]) AS given (number, accepted_at, message_id)
    CROSS JOIN LATERAL (
        SELECT "user" FROM recipients
        WHERE (school_id, campaign_id, number) = ($1, $2, given.number)
        OFFSET 0
    ) AS r
    ON CONFLICT (school_id, campaign_id, number) DO UPDATE
    SET status = excluded.status, accepted_at = excluded.accepted_at, message_id = excluded.message_id
    WHERE recipient_outcomes.status = 'queued'
    RETURNING number
"""

_FACTS_WRITTEN = COMMIT_ITEMS.labels("facts")
_SENT: Final[Tally] = tuple(int(name == "sent") for name in COUNTED)


def is_plain(facts: Sequence[Fact]) -> bool:
    """Tell whether these are acceptances as SES answers a call: no event with a place in the history."""
    return all(
        fact.kind is FactKind.ACCEPTED and fact.key is None and fact.mailed_at is None for fact in facts
    )


async def record_acceptances(connection: AsyncConnection, facts: Sequence[Fact]) -> None:
    """Record plain acceptances in this transaction, to the effect of `record_facts`.

    A recipient is `queued` exactly while nothing has come of the mail to them: those are accepted at once,
    unless they were taken out of the campaign meanwhile. All others go the general way.
    """
    by_campaign: dict[Campaign, list[Fact]] = defaultdict(list)
    for fact in facts:
        by_campaign[fact.recipient.school_id, fact.recipient.campaign_id].append(fact)
    changes: dict[Campaign, Tally] = {}
    others: list[Fact] = []
    for campaign in sorted(by_campaign):
        told = by_campaign[campaign]
        first = {fact.recipient.number: fact for fact in reversed(told)}
        done = await _accept(connection, campaign, [first[number] for number in sorted(first)])
        changes[campaign] = tuple(len(done) * each for each in _SENT)
        if len(done) < len(told):  # the second word about somebody also goes the general way
            others += [
                fact
                for fact in told
                if (number := fact.recipient.number) not in done or fact is not first[number]
            ]
    if others:
        _, counted = await record_rows(connection, others)
        changes = add_changes(changes, counted.changes)
    _FACTS_WRITTEN.observe(len(facts) - len(others))
    latest = {campaign: (max(fact.at for fact in told), None) for campaign, told in by_campaign.items()}
    await add_to_counters(connection, changes, latest)


async def _accept(connection: AsyncConnection, campaign: Campaign, facts: Sequence[Fact]) -> set[int]:
    columns = (
        [fact.recipient.number for fact in facts],
        [fact.at for fact in facts],
        [fact.message_id for fact in facts],
    )
    done = {row[0] for row in await run_lean(connection, _ACCEPT, *campaign, *columns)}
    strangers = await drop_strangers(connection, [fact.recipient for fact in facts])
    return done - {key.number for key in strangers}
