"""Is the report right? Each of its numbers beside what the simulator knows it did (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.simulator.ledger import Totals


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number of the report, and what it ought to be."""

    name: str
    reported: int
    expected: int

    @property
    def is_right(self) -> bool:
        """Whether they are the same."""
        return self.reported == self.expected


def compare_report(stats: Mapping[str, Any], truth: Totals, *, previewed: int) -> list[Comparison]:
    """Compare the stats of a campaign that has come to rest with the simulator's ledger."""
    expected = {
        "recipients": previewed,
        "queued": 0,
        "sending": 0,
        "unknown": 0,
        "sent": truth.recipients,
        "delivered": truth.delivered,
        "bounced": truth.bounced + truth.soft_bounced,
        "bounced_permanent": truth.bounced,
        "bounced_soft": truth.soft_bounced,
        "complained": truth.complained,
        "failed": truth.rejected + truth.rendering_failed,
        "pending": 0,
        "opened": truth.opened + truth.opened_by_click,
        "opened_by_click": truth.opened_by_click,
        "clicked": truth.clicked,
        "opens": truth.opens,
        "clicks": truth.clicks,
        "machine_opened": truth.machine_opened,
        "machine_clicked": truth.machine_clicked,
        "unsubscribed": truth.unsubscribed,
    }
    comparisons = [Comparison(name, int(stats[name]), value) for name, value in expected.items()]
    comparisons.append(Comparison("mailed more than once", truth.duplicates, 0))
    return comparisons
