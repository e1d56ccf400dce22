"""A recipient's row becomes a line of the report (pure)."""

from urllib.parse import quote

from app.delivery.doubt import Doubt
from app.mail.reasons import describe
from app.mail.types import MailEventKind
from app.recipients.facts import FactKind
from app.recipients.models import Recipient
from app.recipients.outcome import REASON_RANKS
from app.reports.schemas import DeliveryStatus, RecipientView

_EXPLAINS = {
    "failed": {FactKind.REFUSED, FactKind.REJECTED},
    "soft_bounced": {FactKind.SOFT_BOUNCED, FactKind.AUTO_REPLIED},
    "bounced": {FactKind.BOUNCED},
    "complained": {FactKind.COMPLAINED},
    "delivered": {FactKind.AUTO_REPLIED},
    "accepted": {FactKind.DELAYED},
}
"""Which kinds of fact explain a status: a delay does not explain a delivery."""
_KIND_BY_RANK = {rank: kind for kind, rank in REASON_RANKS.items()}
_EVENT_KINDS = {
    FactKind.SOFT_BOUNCED: MailEventKind.SOFT_BOUNCE,
    FactKind.BOUNCED: MailEventKind.BOUNCE,
    FactKind.COMPLAINED: MailEventKind.COMPLAINT,
    FactKind.REJECTED: MailEventKind.REJECT,
    FactKind.DELAYED: MailEventKind.DELIVERY_DELAY,
}


def make_recipient_view(
    row: Recipient, *, calling: bool, profile_template: str | None, doubt: Doubt | None = None
) -> RecipientView:
    """Make the report's line; `calling` tells that the recipient is in a call to SES right now.

    `doubt` says of one who is unknown why, where that was kept.
    """
    status: DeliveryStatus = "sending" if calling and row.status == "queued" else row.status  # type: ignore[assignment]
    opened = row.open_count > 0 or row.click_count > 0
    reason, diagnostic = _explain(row, status, doubt or Doubt())
    return RecipientView(
        id=row.number,
        user=row.user,
        name=f"{row.first_name} {row.last_name}".strip(),
        profile_url=_make_profile_url(profile_template, row.user),
        email=row.email,
        sent=row.accepted_at is not None,
        sent_at=row.accepted_at,
        delivery_status=status,
        delivery_reason=reason,
        diagnostic=diagnostic,
        opened=opened,
        # A click without a pixel load is an open all the same, and dates it.
        first_opened_at=row.first_opened_at or row.first_clicked_at,
        last_opened_at=row.last_opened_at or row.last_clicked_at,
        open_count=row.open_count,
        clicked=row.click_count > 0,
        first_clicked_at=row.first_clicked_at,
        last_clicked_at=row.last_clicked_at,
        click_count=row.click_count,
        machine_opened=row.machine_open_count > 0,
        machine_clicked=row.machine_click_count > 0,
        unsubscribed=row.unsubscribed,
        highlight=_choose_highlight(status, opened=opened),
    )


def _choose_highlight(status: str, *, opened: bool) -> str | None:
    if status in {"bounced", "soft_bounced", "failed"}:
        return "danger"
    return "success" if opened else None


def _explain(row: Recipient, status: str, doubt: Doubt) -> tuple[str | None, str | None]:
    if status == "unknown":
        return doubt.explain(), None
    kind = _KIND_BY_RANK.get(row.reason_rank)
    if kind is None or kind not in _EXPLAINS.get(status, ()):
        return None, None
    return describe(row.reason_code or "", _EVENT_KINDS.get(kind)), row.diagnostic


def _make_profile_url(template: str | None, user: str | None) -> str | None:
    return template.replace("{external_id}", quote(user, safe="")) if template and user else None
