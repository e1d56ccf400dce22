"""The account's sending limits, counted in recipients, and the record of what was accepted when.

https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html
"""

from collections import deque

from app.simulator.errors import QUOTA_EXCEEDED, RATE_EXCEEDED, SENDING_PAUSED, Refused
from app.simulator.settings import Sending

_SLOTS_PER_SECOND = 10
_SLOTS_PER_DAY = 24 * 3600 * _SLOTS_PER_SECOND


class SendingQuota:
    """A token bucket of one second's worth, and a rolling 24-hour count.

    As AWS describes its own: a call is let in while anything is left, however many recipients it has, and
    the debt it leaves is waited out.
    """

    def __init__(self) -> None:
        """Start with a full bucket and nothing sent."""
        self._slots: deque[list[int]] = deque()
        self.clear()

    def clear(self) -> None:
        """Fill the bucket and forget what was sent."""
        self._tokens: float | None = None
        self._refilled_at = 0.0
        self._slots.clear()
        self._sent_last_day = 0

    def check(self, sending: Sending, now: float) -> None:
        """Raise Refused when the account may not send at `now` (seconds since the epoch)."""
        if not sending.sending_enabled:
            raise Refused(SENDING_PAUSED)
        if 0 <= sending.max_24_hour_send <= self.count_last_day(now):
            raise Refused(QUOTA_EXCEEDED)
        if self._refill(sending.max_send_rate, now) <= 0:
            raise Refused(RATE_EXCEEDED)

    def record(self, recipients: int, now: float) -> None:
        """Count recipients accepted at `now`."""
        self._tokens = (self._tokens or 0.0) - recipients
        self._sent_last_day += recipients
        slot = int(now * _SLOTS_PER_SECOND)
        if self._slots and self._slots[-1][0] == slot:
            self._slots[-1][1] += recipients
        else:
            self._slots.append([slot, recipients])

    def count_last_day(self, now: float) -> int:
        """Return the recipients accepted in the 24 hours before `now`."""
        oldest = int(now * _SLOTS_PER_SECOND) - _SLOTS_PER_DAY
        while self._slots and self._slots[0][0] <= oldest:
            self._sent_last_day -= self._slots.popleft()[1]
        return self._sent_last_day

    def list_rate(self) -> list[tuple[float, int]]:
        """Return (start in seconds since the epoch, recipients accepted) for each 100 ms that had any."""
        return [(slot / _SLOTS_PER_SECOND, recipients) for slot, recipients in self._slots]

    def _refill(self, rate: float, now: float) -> float:
        if self._tokens is None:
            self._tokens = rate
        else:
            self._tokens = min(rate, self._tokens + rate * max(0.0, now - self._refilled_at))
        self._refilled_at = now
        return self._tokens
