"""Reports as the API answers them."""

from typing import Literal

from pydantic import Field

from app.core.schema import Instant, View

DeliveryStatus = Literal[
    "queued",
    "sending",
    "accepted",
    "delivered",
    "complained",
    "soft_bounced",
    "bounced",
    "failed",
    "unknown",
]


class RecipientView(View):
    """One recipient of a campaign and what became of their mail."""

    id: int = Field(description="The recipient's number in the campaign.")
    user: str | None
    name: str
    profile_url: str | None
    email: str | None
    sent: bool
    sent_at: Instant | None
    delivery_status: DeliveryStatus
    delivery_reason: str | None
    diagnostic: str | None
    opened: bool
    first_opened_at: Instant | None
    last_opened_at: Instant | None
    open_count: int
    clicked: bool
    first_clicked_at: Instant | None
    last_clicked_at: Instant | None
    click_count: int
    machine_opened: bool
    machine_clicked: bool
    unsubscribed: bool
    highlight: Literal["danger", "success"] | None
