"""Asking whom an audience reaches at a given instant."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.audience.audience import FilteredAudience
from app.audience.resolve import MessageType, Question, judge_audience
from app.audience.scope import Scope
from app.core.db import Database
from tests.school import SchoolClient


async def judge(
    database: Database,
    school: SchoolClient,
    audience_filter: dict[str, Any],
    now: datetime,
    *,
    message_type: MessageType = "operational",
    require_opt_in: bool = False,
) -> dict[str, str | None]:
    """Return everyone matched, each with why they are left out, or None."""
    audience = FilteredAudience.model_validate({"filter": audience_filter})
    judged = judge_audience(Scope(school.id, now), Question(audience, message_type, require_opt_in))
    async with database.tenant_transaction(school.id) as session:
        rows = await session.execute(select(judged.c.external_id, judged.c.reason))
        return {row[0]: row[1] for row in rows}
