"""The sums of a report hold whatever the counters are."""

from hypothesis import given
from hypothesis import strategies as st

from app.audience.resolve import REASONS
from app.campaigns.views import make_stats

COUNT = st.integers(0, 10_000)


@st.composite
def counters(draw: st.DrawFn) -> dict[str, int]:
    """Draw counters as recipients could have made them: each has one status."""
    parts = ("delivered", "bounced_permanent", "bounced_soft", "failed_after", "accepted")
    counts = {name: draw(COUNT) for name in (*parts, "unknown", "failed_before", "open_now")}
    counts["sent"] = sum(counts[name] for name in parts)
    counts["recipients"] = counts["sent"] + sum(
        counts[name] for name in ("unknown", "failed_before", "open_now")
    )
    for name in ("opened", "clicked"):
        counts[name] = draw(st.integers(0, counts["sent"]))
    counts["complained"] = draw(st.integers(0, counts["delivered"]))
    return counts


@given(counters(), st.integers(0, 20_000))
def test_everyone_is_counted_once(counts: dict[str, int], calling: int) -> None:
    stats = make_stats(counts, sending=calling)
    before = counts["failed_before"]
    assert stats.recipients == stats.queued + stats.sending + stats.unknown + stats.sent + before
    assert stats.sent == stats.delivered + stats.bounced + stats.pending + (stats.failed - before)
    assert stats.bounced == stats.bounced_permanent + stats.bounced_soft
    assert (stats.pending, stats.queued + stats.sending) == (counts["accepted"], counts["open_now"])
    assert min(stats.queued, stats.sending) >= 0


@given(counters())
def test_rates_are_shares_of_what_was_delivered(counts: dict[str, int]) -> None:
    stats = make_stats(counts)
    whole = stats.delivered or stats.sent
    for rate, part, of in (
        (stats.sent_rate, stats.sent, stats.recipients),
        (stats.open_rate, stats.opened, whole),
        (stats.click_rate, stats.clicked, whole),
    ):
        assert rate == (round(part / of, 4) if of else None)


def test_rates_have_four_places_and_none_over_nothing() -> None:
    stats = make_stats({"recipients": 3, "sent": 2, "delivered": 0, "opened": 1})
    assert (stats.sent_rate, stats.open_rate, stats.click_rate) == (0.6667, 0.5, 0.0)
    nothing = make_stats({})
    assert (nothing.sent_rate, nothing.open_rate, nothing.click_rate) == (None, None, None)
    assert nothing.excluded == dict.fromkeys(REASONS, 0)


def test_exclusions_are_told_by_reason() -> None:
    stats = make_stats({"unsubscribed_excluded": 2, "suppressed_excluded": 1})
    assert stats.excluded == dict.fromkeys(REASONS, 0) | {"unsubscribed": 2, "suppressed": 1}
