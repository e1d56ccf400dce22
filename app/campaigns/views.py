"""How a campaign's rows become what the API answers (pure)."""

from collections import defaultdict
from collections.abc import Mapping

from app.audience.resolve import REASONS
from app.campaigns.lifecycle import Status
from app.campaigns.models import Campaign
from app.campaigns.schemas import CampaignView, SenderView
from app.campaigns.stats import Stats

UNTITLED = "Untitled"


def make_stats(counters: Mapping[str, int], *, sending: int = 0) -> Stats:
    """Add the counters up; `sending` is how many recipients are in a call to SES right now."""
    count = defaultdict(int, counters)
    bounced = count["bounced_permanent"] + count["bounced_soft"]
    pending = count["sent"] - count["delivered"] - bounced - count["failed_after"]
    open_now = count["recipients"] - count["unknown"] - count["sent"] - count["failed_before"]
    in_calls = min(sending, open_now)
    reached = count["delivered"] or count["sent"]
    return Stats(
        recipients=count["recipients"],
        excluded={reason: counters.get(f"{reason}_excluded", 0) for reason in REASONS},
        queued=open_now - in_calls,
        sending=in_calls,
        sent=count["sent"],
        sent_rate=_rate(count["sent"], count["recipients"]),
        delivered=count["delivered"],
        bounced=bounced,
        bounced_permanent=count["bounced_permanent"],
        bounced_soft=count["bounced_soft"],
        complained=count["complained"],
        failed=count["failed_before"] + count["failed_after"],
        unknown=count["unknown"],
        pending=pending,
        opened=count["opened"],
        opened_by_click=count["opened_by_click"],
        open_rate=_rate(count["opened"], reached),
        clicked=count["clicked"],
        click_rate=_rate(count["clicked"], reached),
        opens=count["opens"],
        clicks=count["clicks"],
        machine_opened=count["machine_opened"],
        machine_clicked=count["machine_clicked"],
        unsubscribed=count["unsubscribed"],
    )


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _explain_unknown(status: str, unknown: int) -> str | None:
    """Say that a campaign is over with some still in doubt: no more evidence is waited for then."""
    if status != Status.SENT or not unknown:
        return None
    recipients = "1 recipient" if unknown == 1 else f"{unknown:,} recipients"
    return (
        f"It is not known whether SES took the mail of {recipients}, and no event has told. A person must "
        "decide: retry-failed with include_unknown sends it again, and some may get it twice."
    )


def make_campaign_view(campaign: Campaign, *, timezone: str, stats: Stats) -> CampaignView:
    """Make the list row of a campaign."""
    return CampaignView(
        id=campaign.id,
        name=campaign.name,
        display_name=campaign.name or UNTITLED,
        message_type=campaign.message_type,
        status=campaign.status,
        status_reason=campaign.status_reason or _explain_unknown(campaign.status, stats.unknown),
        subject=campaign.subject,
        sent_at=campaign.sent_at,
        timezone=timezone,
        sent_by=SenderView(id=campaign.sent_by_id, name=campaign.sent_by_name),
        scheduled_for=campaign.scheduled_for,
        completed_at=campaign.completed_at,
        stats=stats,
    )
