"""What became of a campaign's mail at each mailbox provider."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import run_sql
from app.reports.brief import read_brief
from app.reports.freshness import Question, recall
from app.reports.schemas import DomainOutcome, DomainReport, Outcome, RestOutcome

SHOWN: Final = 100
_COUNTS: Final = {
    "recipients": "true",
    "sent": "accepted_at IS NOT NULL",
    "delivered": "status IN ('delivered', 'complained')",
    "bounced": "status IN ('bounced', 'soft_bounced')",
    "complained": "status = 'complained'",
    "failed": "status = 'failed'",
    "opened": "open_count > 0 OR click_count > 0",
    "clicked": "click_count > 0",
}
_DOMAINS: Final = f"""
    SELECT CASE WHEN place <= $3 THEN domain END, least(place, $3 + 1) > $3, count(*),
        {", ".join(f"sum({name})::int" for name in _COUNTS)}
    FROM (
        SELECT *, row_number() OVER (ORDER BY recipients DESC, domain) AS place
        FROM (
            SELECT lower(split_part(email, '@', -1)) AS domain,
                {", ".join(f"count(*) FILTER (WHERE {when}) AS {name}" for name, when in _COUNTS.items())}
            FROM recipients r LEFT JOIN recipient_outcomes o USING (school_id, campaign_id, number)
            WHERE school_id = $1 AND campaign_id = $2
            GROUP BY 1
        ) AS counted
    ) AS placed
    GROUP BY least(place, $3 + 1), 1
    ORDER BY least(place, $3 + 1)
"""  # noqa: S608  # only conditions of this module's own go in


async def report_domains(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> DomainReport:
    """Return the outcome at the 100 largest domains and at all others together, or raise NotFound."""
    await read_brief(session, school_id=school_id, campaign_id=campaign_id)

    async def count() -> DomainReport:
        rows = await run_sql(await session.connection(), _DOMAINS, school_id, campaign_id, SHOWN)
        return _make_report(rows)

    return await recall(session, Question(school_id, campaign_id, "domains"), count)


def _make_report(rows: Any) -> DomainReport:  # rows of the query above
    items = [DomainOutcome(domain=row[0], **_read(row)) for row in rows if not row[1]]
    rest = [RestOutcome(domains=row[2], **_read(row)) for row in rows if row[1]]
    return DomainReport(items=items, rest=rest[0] if rest else None)


def _read(row: Any) -> dict[str, int]:
    return dict(zip(Outcome.model_fields, row[3:], strict=True))
