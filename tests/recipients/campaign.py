"""A campaign of a few recipients, straight in the tables, and all that the tables then say of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from app.core.db import Database
from app.core.ids import new_id
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.outcome import State
from app.recipients.record import Recorded, record_facts

NINE: Final = datetime(2026, 3, 2, 9, tzinfo=UTC)

_ADD: Final = text("""
    INSERT INTO recipients
        (school_id, campaign_id, number, "user", email, wire_address, address_key, first_name, last_name,
        attributes)
    SELECT :school, :campaign, n, 'u' || n, 'u' || n || '@x.example', 'u' || n || '@x.example', '', 'U', '',
        '{}'
    FROM generate_series(1, :count) AS n
""")
_COUNT: Final = text(
    "INSERT INTO campaign_counters (school_id, campaign_id, recipients) VALUES (:school, :campaign, :count)"
)
_ADD_SCHOOL: Final = text("""
    INSERT INTO schools (id, name, timezone, from_name, from_email, postal_address, address_secret)
    VALUES (:school, 'S', 'UTC', 'S', 's@x.example', 'A', '') ON CONFLICT DO NOTHING
""")
_ADD_MESSAGE: Final = text("""
    INSERT INTO campaigns
        (school_id, id, message_type, status, subject, html, compiled, from_name, from_email, audience,
        track_opens, track_clicks, sent_by_id, sent_by_name, frozen_at)
    VALUES (:school, :campaign, 'marketing', 'sent', 'S', '', '{}', 'S', 's@x.example', '{}',
        true, true, '1', 'A', now())
""")
_ADD_LINKS: Final = text("""
    INSERT INTO campaign_links (school_id, campaign_id, number, destination)
    SELECT :school, :campaign, n, 'https://x.example/' FROM generate_series(1, :count) AS n
""")
_MINE: Final = "WHERE school_id = :school AND campaign_id = :campaign"
_STANDING: Final = "FROM recipients r LEFT JOIN recipient_outcomes o USING (school_id, campaign_id, number)"
_ROWS: Final = f"SELECT o.*, r.* {_STANDING} {_MINE}"  # names of ours, here and below
_FRESH: Final[dict[str, Any]] = {"status": "queued", **State()._asdict()}
"""What is known of who has no outcome yet."""
_COUNTERS: Final = f"SELECT * FROM campaign_counters {_MINE}"  # noqa: S608
_HISTORY: Final = f"SELECT * FROM email_events {_MINE} ORDER BY number, occurred_at, key"  # noqa: S608
RECOUNT: Final = f"""
    SELECT count(*) AS recipients,
        count(*) FILTER (WHERE status IS NULL OR status = 'queued') AS queued,
        count(*) FILTER (WHERE status = 'unknown') AS unknown,
        count(*) FILTER (WHERE status = 'failed' AND accepted_at IS NULL) AS failed_before,
        count(accepted_at) AS sent,
        count(*) FILTER (WHERE status = 'failed' AND accepted_at IS NOT NULL) AS failed_after,
        count(*) FILTER (WHERE status = 'accepted') AS pending,
        count(*) FILTER (WHERE status IN ('delivered', 'complained')) AS delivered,
        count(*) FILTER (WHERE status = 'bounced') AS bounced_permanent,
        count(*) FILTER (WHERE status = 'soft_bounced') AS bounced_soft,
        count(*) FILTER (WHERE status = 'complained') AS complained,
        count(*) FILTER (WHERE open_count > 0 OR click_count > 0) AS opened,
        count(*) FILTER (WHERE open_count = 0 AND click_count > 0) AS opened_by_click,
        coalesce(sum(open_count), 0)::int AS opens,
        count(*) FILTER (WHERE click_count > 0) AS clicked,
        coalesce(sum(click_count), 0)::int AS clicks,
        count(*) FILTER (WHERE machine_open_count > 0) AS machine_opened,
        count(*) FILTER (WHERE machine_click_count > 0) AS machine_clicked,
        count(*) FILTER (WHERE unsubscribed) AS unsubscribed
    {_STANDING}
"""


def second(number: int) -> datetime:
    """An instant: so many seconds after nine."""
    return NINE + timedelta(seconds=number)


def minute(number: int) -> datetime:
    """An instant: so many minutes after nine."""
    return NINE + timedelta(minutes=number)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign and its people, numbered from 1."""

    database: Database
    school_id: UUID
    id: UUID

    def key(self, number: int) -> RecipientKey:
        """Name a recipient."""
        return RecipientKey(self.school_id, self.id, number)

    def fact(self, kind: FactKind, *, number: int = 1, at: int = 0, **more: Any) -> Fact:
        """Say that something happened to a recipient, `at` minutes after nine."""
        return Fact(self.key(number), kind, minute(at), **more)

    async def record(self, *facts: Fact) -> Recorded:
        """Record facts in one transaction."""
        async with self.database.connection() as connection:
            return await record_facts(connection, facts)

    async def _read(self, query: str) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            rows = await connection.execute(text(query), {"school": self.school_id, "campaign": self.id})
            return [dict(row) for row in rows.mappings()]

    async def rows(self) -> dict[int, dict[str, Any]]:
        """Read the recipients by number."""
        found = await self._read(_ROWS)
        return {row["number"]: row if row["status"] else row | _FRESH for row in found}

    async def count_outcomes(self) -> int:
        """Count the outcomes, whether or not there is a recipient to them."""
        (row,) = await self._read(f"SELECT count(*)::int FROM recipient_outcomes {_MINE}")  # noqa: S608
        return int(row["count"])

    async def statuses(self) -> list[str]:
        """Read the recipients' statuses in the order of their numbers."""
        return [row["status"] for _, row in sorted((await self.rows()).items())]

    async def counters(self) -> dict[str, int]:
        """Read the counters as they were kept."""
        (row,) = await self._read(_COUNTERS)
        return {name: value for name, value in row.items() if isinstance(value, int)}

    async def recount(self) -> dict[str, int]:
        """Count the recipients' rows, by SQL that knows nothing of the code that keeps the counters."""
        (row,) = await self._read(f"{RECOUNT} {_MINE}")
        return row

    async def history(self) -> list[dict[str, Any]]:
        """Read the events in the order of their numbers and instants."""
        return await self._read(_HISTORY)

    async def check_counters(self) -> None:
        """Assert that the counters kept are a recount, and that they add up."""
        kept, counted = await self.counters(), await self.recount()
        assert {name: kept[name] for name in kept if name in counted} == {
            name: counted[name] for name in counted if name in kept
        }
        assert counted["recipients"] == (
            counted["queued"] + counted["unknown"] + counted["sent"] + counted["failed_before"]
        )
        bounced = kept["bounced_permanent"] + kept["bounced_soft"]
        assert kept["sent"] == kept["delivered"] + bounced + counted["pending"] + kept["failed_after"]


async def make_campaign(
    database: Database, *, recipients: int = 1, school_id: UUID | None = None, links: int = 0
) -> Campaign:
    """Write a campaign of so many queued recipients, whose mail has so many tracked links."""
    campaign = Campaign(database, school_id or new_id(), new_id())
    values = {"school": campaign.school_id, "campaign": campaign.id, "count": recipients}
    async with database.connection() as connection:
        await connection.execute(_ADD, values)
        await connection.execute(_COUNT, values)
        if links:
            await connection.execute(_ADD_SCHOOL, values)
            await connection.execute(_ADD_MESSAGE, values)
            await connection.execute(_ADD_LINKS, values | {"count": links})
    return campaign


def event_key(number: int) -> bytes:
    """Make the key of an event."""
    return number.to_bytes(16, "big")
