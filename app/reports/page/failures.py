"""Why mail did not arrive or was not wanted: how many for each reason."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.recipients.models import RecipientOutcome
from app.reports.freshness import Question, recall
from app.reports.recipients import FIELDS, make_line_of

OUTCOMES: Final = {
    "bounced": "Bounced for good",
    "soft_bounced": "Bounced for now",
    "failed": "Failed",
    "complained": "Complained",
}
NO_REASON: Final = "No reason was given"
_NOBODY: Final = {
    "number": 0,
    "first_name": "",
    "last_name": "",
    "unsubscribed": False,
    "open_count": 0,
    "click_count": 0,
    "machine_open_count": 0,
    "machine_click_count": 0,
}
_WHY: Final = (RecipientOutcome.status, RecipientOutcome.reason_rank, RecipientOutcome.reason_code)


@dataclass(frozen=True, slots=True)
class Failure:
    """One outcome for one reason: how many recipients."""

    status: str
    outcome: str
    reason: str
    count: int


async def count_failures(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> Sequence[Failure]:
    """Return the outcomes in a fixed order, the most frequent reason of each first."""

    async def count() -> Sequence[Failure]:
        query = (
            select(*_WHY, func.count())
            .where(
                RecipientOutcome.school_id == school_id,
                RecipientOutcome.campaign_id == campaign_id,
                RecipientOutcome.status.in_(OUTCOMES),
            )
            .group_by(*_WHY)
        )
        counts: Counter[tuple[str, str]] = Counter()
        for status, rank, code, people in await session.execute(query):
            counts[status, _explain(status, rank, code)] += people
        return [
            Failure(status, words, reason, number)
            for status, words in OUTCOMES.items()
            for (of, reason), number in counts.most_common()
            if of == status
        ]

    return await recall(session, Question(school_id, campaign_id, "failures"), count)


def _explain(status: str, rank: int, code: str | None) -> str:
    """Say why as the table of recipients does, of somebody of whom nothing else is known."""
    known = {"status": status, "reason_rank": rank, "reason_code": code}
    values = [known.get(name, _NOBODY.get(name)) for name in FIELDS]
    return make_line_of(values, calling=False, profile_template=None).delivery_reason or NO_REASON
