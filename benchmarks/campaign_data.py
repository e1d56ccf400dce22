"""Campaigns that were sent and what came back, their rows lying as the workers would have left them."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from app.core.ids import new_id
from benchmarks.dataset import settle

LINKS: Final = 12
TABLES: Final = ("campaigns", "recipients", "recipient_outcomes", "email_events", "campaign_counters")

# Each campaign an hour before the one that follows it. $3 is how old it is, in hours.
_CAMPAIGN: Final = """
    INSERT INTO campaigns (school_id, id, name, message_type, status, subject, html, compiled, from_name,
        from_email, audience, track_opens, track_clicks, sent_by_id, sent_by_name, sent_at, frozen_at,
        completed_at)
    SELECT $1, $2, CASE WHEN $3 % 5 > 0 THEN 'Campaign ' || $3 END,
        (ARRAY['marketing', 'newsletter', 'operational'])[1 + $3 % 3], 'sent', 'News of hour ' || $3,
        repeat('<p>What there is to say.</p>', 2000), '{}', 'School', 'news@school.example', '{}', true,
        true, '1', 'Benchmark', at, at, at + interval '5 minutes'
    FROM (SELECT now() - $3::int * interval '1 hour' AS at) AS sent
"""
_LINKS: Final = f"""
    INSERT INTO campaign_links (school_id, campaign_id, number, destination)
    SELECT $1, $2, n, 'https://school.example/page/' || n FROM generate_series(1, {LINKS}) AS n
"""  # noqa: S608  # a number of this file
_RECIPIENTS: Final = """
    INSERT INTO recipients (school_id, campaign_id, number, "user", email, address_key, first_name, last_name,
        attributes)
    SELECT $1, $2::uuid, n, 'user-' || n, email, decode(md5(email), 'hex'), 'First' || mixed % 1000,
        'Last' || mixed % 7919, '{}'
    FROM (
        SELECT n, mixed, 'user' || n || '@mail' || (mixed % 400) * (mixed % 7) || '.example' AS email
        FROM (SELECT n, n * 7919::bigint % 1000003 AS mixed FROM generate_series(1, $3::int) AS n) AS numbered
    ) AS planned
"""
# What becomes of them in the three steps in which it does, for a row lies where its last change left it.
_ACCEPT: Final = """
    INSERT INTO recipient_outcomes (school_id, campaign_id, number, "user", status, accepted_at, message_id)
    SELECT $1, $2::uuid, n, 'user-' || n, 'accepted',
        now() - $3::int * interval '1 hour' + n * interval '100 microseconds',
        '0102019c' || left(md5($2::text || n), 8) || '-' || gen_random_uuid() || '-000000'
    FROM generate_series(1, $4::int) AS n
"""
_PARTS: Final = 11
"""Events come in no order: those of one page of the table in so many transactions, which finds room on it."""
_THESE: Final = f"WHERE school_id = $1 AND campaign_id = $2 AND number % {_PARTS} = $3"
_DELIVER: Final = f"""
    UPDATE recipient_outcomes
    SET status = CASE number % 50 WHEN 49 THEN 'bounced' WHEN 48 THEN 'soft_bounced' ELSE 'delivered' END,
        delivered_at = CASE WHEN number % 50 < 48 THEN accepted_at + interval '3 seconds' END,
        bounced_at = CASE WHEN number % 50 = 49 THEN accepted_at + interval '4 seconds' END,
        soft_bounced_at = CASE WHEN number % 50 = 48 THEN accepted_at + interval '5 seconds' END,
        reason_rank = CASE number % 50 WHEN 49 THEN 6 WHEN 48 THEN 4 ELSE 0 END,
        reason_at = CASE WHEN number % 50 > 47 THEN accepted_at END,
        reason_code = CASE number % 50 WHEN 49 THEN 'no_such_user' WHEN 48 THEN 'mailbox_full' END,
        diagnostic = CASE WHEN number % 50 > 47
            THEN 'smtp; 550 5.1.1 <user' || number || '@mail.example>: user unknown' END
    {_THESE}
"""  # noqa: S608  # names of this file's, here and below
# Most delivered, four in ten opened, one in ten clicked, over three days.
_OPENS: Final = "number % 10 IN (1, 3, 5, 6) AND number % 50 < 48"
_CLICKS: Final = "number % 10 = 5"
_MIXED: Final = "(number * 7919::bigint % 1000003)"
_LATER: Final = f"accepted_at + {_MIXED} % 4320 * interval '1 minute'"
_VISIT: Final = f"""
    UPDATE recipient_outcomes
    SET first_opened_at = CASE WHEN {_OPENS} THEN {_LATER} END,
        last_opened_at = CASE WHEN {_OPENS} THEN {_LATER} + interval '2 hours' END,
        open_count = CASE WHEN {_OPENS} THEN 1 + {_MIXED} % 4 ELSE 0 END,
        first_clicked_at = CASE WHEN {_CLICKS} THEN {_LATER} + interval '1 minute' END,
        last_clicked_at = CASE WHEN {_CLICKS} THEN {_LATER} + interval '2 minutes' END,
        click_count = CASE WHEN {_CLICKS} THEN 2 ELSE 0 END,
        machine_open_count = (number % 7 = 0)::int
    {_THESE} AND ({_OPENS} OR {_CLICKS} OR number % 7 = 0)
"""  # noqa: S608
_EVENTS: Final = f"""
    INSERT INTO email_events (school_id, campaign_id, number, occurred_at, key, kind, link)
    SELECT school_id, campaign_id, number, happened.at, decode(md5(number || happened.kind || again), 'hex'),
        happened.kind, CASE WHEN happened.kind = 'click' THEN 1 + (number / 10 + again) % {LINKS} END
    FROM recipient_outcomes CROSS JOIN LATERAL (
        VALUES ('send', accepted_at, 1), ('delivery', delivered_at, 1), ('bounce', bounced_at, 1),
            ('soft_bounce', soft_bounced_at, 1), ('open', first_opened_at, open_count),
            ('click', first_clicked_at, click_count)
    ) AS happened (kind, at, times) CROSS JOIN LATERAL generate_series(1, happened.times) AS again
    WHERE school_id = $1 AND campaign_id = $2 AND happened.at IS NOT NULL
"""  # noqa: S608  # a number of this file
_COUNTERS: Final = """
    INSERT INTO campaign_counters (school_id, campaign_id, recipients, sent, delivered, bounced_permanent,
        bounced_soft, opened, opens, clicked, clicks, machine_opened)
    SELECT $1, $2, count(*), count(*), count(*) FILTER (WHERE status = 'delivered'),
        count(*) FILTER (WHERE status = 'bounced'), count(*) FILTER (WHERE status = 'soft_bounced'),
        count(*) FILTER (WHERE open_count > 0 OR click_count > 0), sum(open_count),
        count(*) FILTER (WHERE click_count > 0), sum(click_count),
        count(*) FILTER (WHERE machine_open_count > 0)
    FROM recipient_outcomes WHERE school_id = $1 AND campaign_id = $2
"""


@dataclass(frozen=True, slots=True)
class SentCampaign:
    """A campaign of the data, and how many it went to."""

    id: UUID
    recipients: int


async def make_campaigns(url: str, school_id: UUID, sizes: list[int]) -> list[SentCampaign]:
    """Write a campaign of each of these sizes, oldest first, and leave the tables as autovacuum would."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    made: list[SentCampaign] = []
    try:
        for place, size in enumerate(sizes):
            campaign, age = new_id(), len(sizes) - place
            await connection.execute(_CAMPAIGN, school_id, campaign, age)
            await connection.execute(_LINKS, school_id, campaign)
            await connection.execute(_RECIPIENTS, school_id, campaign, size)
            await connection.execute(_ACCEPT, school_id, campaign, age, size)
            for change in (_DELIVER, _VISIT):
                for part in range(_PARTS):
                    await connection.execute(change, school_id, campaign, part)
            await connection.execute(_EVENTS, school_id, campaign)
            await connection.execute(_COUNTERS, school_id, campaign)
            made.append(SentCampaign(campaign, size))
        await settle(connection, TABLES)
    finally:
        await connection.close()
    return made
