"""What really happened, written down by PostgreSQL itself: triggers in the transactions of the product.

What was rolled back leaves no trace, what was committed cannot be denied, and the product knows nothing of
it. A claim keeps its snapshot, which tells for certain what it could have seen (`pg_visible_in_snapshot`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from tests.recipients.campaign import RECOUNT

_RECORD: Final = """
CREATE TABLE IF NOT EXISTS fault_history (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    tx xid8 NOT NULL DEFAULT pg_current_xact_id(),
    seen pg_snapshot,
    what text NOT NULL,
    school_id uuid NOT NULL,
    campaign_id uuid,
    number bigint,
    before text,
    after text,
    fence int,
    recipients int[],
    address_key bytea
);
CREATE OR REPLACE FUNCTION record_batch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO fault_history
        (seen, what, school_id, campaign_id, number, before, after, fence, recipients)
    VALUES (pg_current_snapshot(), 'batch', NEW.school_id, NEW.campaign_id, NEW.number,
        CASE TG_OP WHEN 'UPDATE' THEN OLD.state END, NEW.state, NEW.fence,
        CASE WHEN NEW.state = 'calling' THEN NEW.recipients END);
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION record_recipient() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE before text := CASE TG_OP WHEN 'UPDATE' THEN OLD.status ELSE 'queued' END;
BEGIN
    IF before <> NEW.status THEN
        INSERT INTO fault_history (what, school_id, campaign_id, number, before, after)
        VALUES ('recipient', NEW.school_id, NEW.campaign_id, NEW.number, before, NEW.status);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION record_suppression() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
    INSERT INTO fault_history (what, school_id, address_key)
    VALUES ('suppression', NEW.school_id, NEW.address_key);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER record_batch AFTER INSERT OR UPDATE OF state ON batches
    FOR EACH ROW EXECUTE FUNCTION record_batch();
CREATE OR REPLACE TRIGGER record_recipient AFTER INSERT OR UPDATE OF status ON recipient_outcomes
    FOR EACH ROW EXECUTE FUNCTION record_recipient();
CREATE OR REPLACE TRIGGER record_suppression AFTER INSERT ON suppressions
    FOR EACH ROW EXECUTE FUNCTION record_suppression();
"""
_STEPS: Final = """
    SELECT seq, at, what, number, before, after, fence, recipients FROM fault_history
    WHERE campaign_id = $1 ORDER BY seq
"""
_PEOPLE: Final = """
    SELECT number, coalesce(status, 'queued') AS status, accepted_at
    FROM recipients LEFT JOIN recipient_outcomes USING (school_id, campaign_id, number)
    WHERE campaign_id = $1
"""
# The claims of people whose suppression the claim could see.
_BARRED: Final = """
    SELECT c.seq, r.number
    FROM fault_history c
    JOIN recipients r ON r.campaign_id = c.campaign_id AND r.number = ANY (c.recipients)
    JOIN fault_history s ON s.what = 'suppression' AND s.school_id = r.school_id
        AND s.address_key = r.address_key AND pg_visible_in_snapshot(s.tx, c.seen)
    WHERE c.campaign_id = $1 AND c.after = 'calling'
"""
_COUNTERS: Final = "SELECT * FROM campaign_counters WHERE campaign_id = $1"


@dataclass(frozen=True, slots=True)
class Step:
    """A committed change of a batch's state or a recipient's status; a claim names its recipients."""

    seq: int
    at: datetime
    what: str
    number: int
    before: str | None
    after: str
    fence: int | None = None
    recipients: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class History:
    """All that was committed of one campaign, and how it ended."""

    campaign_status: str
    steps: Sequence[Step]
    statuses: Mapping[int, str]
    accepted_at: Mapping[int, datetime | None]
    barred: Sequence[tuple[int, int]]
    """Claims (by `seq`) of recipients (by number) who were suppressed before."""
    counters: Mapping[str, int]
    recount: Mapping[str, int]


def plain_url(database_url: str) -> str:
    """Return the URL as asyncpg takes it."""
    return database_url.replace("+asyncpg", "")


async def record_history(database_url: str) -> None:
    """Have everything from now on written down; once for a database."""
    connection = await asyncpg.connect(plain_url(database_url))
    try:
        await connection.execute(_RECORD)
    finally:
        await connection.close()


async def read_history(database_url: str, campaign_id: UUID) -> History:
    """Read what was written down of a campaign."""
    connection = await asyncpg.connect(plain_url(database_url))
    try:
        people = await connection.fetch(_PEOPLE, campaign_id)
        counters = await connection.fetchrow(_COUNTERS, campaign_id)
        recount = await connection.fetchrow(f"{RECOUNT} WHERE campaign_id = $1", campaign_id)
        return History(
            campaign_status=await connection.fetchval(
                "SELECT status FROM campaigns WHERE id = $1", campaign_id
            ),
            steps=[Step(*row) for row in await connection.fetch(_STEPS, campaign_id)],
            statuses={row["number"]: row["status"] for row in people},
            accepted_at={row["number"]: row["accepted_at"] for row in people},
            barred=[tuple(row) for row in await connection.fetch(_BARRED, campaign_id)],
            counters=_numbers(counters),
            recount=_numbers(recount),
        )
    finally:
        await connection.close()


def _numbers(row: Any) -> dict[str, int]:
    return {name: value for name, value in row.items() if isinstance(value, int)}
