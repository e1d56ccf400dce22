"""What one recipient adds to the counters of its campaign (pure)."""

from app.recipients.outcome import State, read_status

COUNTED = (
    "unknown",
    "failed_before",
    "sent",
    "failed_after",
    "delivered",
    "bounced_permanent",
    "bounced_soft",
    "complained",
    "opened",
    "opened_by_click",
    "opens",
    "clicked",
    "clicks",
    "machine_opened",
    "machine_clicked",
    "unsubscribed",
)
"""Names of the counters that follow facts, in the order of `tally`."""

Tally = tuple[int, ...]


def tally(state: State) -> Tally:
    """Return what a recipient in this state adds to each counter of COUNTED."""
    status = read_status(state)
    sent = state.accepted_at is not None
    return (
        status == "unknown",
        status == "failed" and not sent,
        sent,
        status == "failed" and sent,
        status in {"delivered", "complained"},
        status == "bounced",
        status == "soft_bounced",
        status == "complained",
        state.open_count > 0 or state.click_count > 0,
        state.open_count == 0 and state.click_count > 0,
        state.open_count,
        state.click_count > 0,
        state.click_count,
        state.machine_open_count > 0,
        state.machine_click_count > 0,
        state.unsubscribed,
    )
