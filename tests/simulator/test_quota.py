"""The sending limits over time, with the clock in hand."""

import pytest

from app.simulator.errors import Refused
from app.simulator.quota import SendingQuota
from app.simulator.settings import Sending

DAY = 24 * 3600.0
START = 1_000_000.0


def test_the_debt_of_a_large_call_is_waited_out() -> None:
    quota, sending = SendingQuota(), Sending(max_send_rate=10)
    quota.check(sending, START)
    quota.record(50, START)
    with pytest.raises(Refused, match="Maximum sending rate"):
        quota.check(sending, START + 3.9)
    quota.check(sending, START + 4.1)


def test_an_idle_account_saves_up_one_second_at_most() -> None:
    quota, sending = SendingQuota(), Sending(max_send_rate=10)
    quota.check(sending, START)
    quota.check(sending, START + 100)
    quota.record(10, START + 100)
    with pytest.raises(Refused):
        quota.check(sending, START + 100)


def test_the_daily_count_rolls() -> None:
    quota, sending = SendingQuota(), Sending(max_24_hour_send=5)
    quota.record(5, START)
    with pytest.raises(Refused, match="Daily message quota"):
        quota.check(sending, START + DAY - 1)
    quota.check(sending, START + DAY + 1)
    assert quota.count_last_day(START + DAY + 1) == 0


def test_no_daily_limit_is_minus_one() -> None:
    quota, sending = SendingQuota(), Sending(max_send_rate=1_000_000, max_24_hour_send=-1)
    quota.record(10_000, START)
    quota.check(sending, START + 1)


def test_acceptances_are_counted_in_tenths_of_a_second() -> None:
    quota = SendingQuota()
    for recipients, at in ((50, START), (25, START + 0.05), (10, START + 0.1)):
        quota.record(recipients, at)
    assert quota.list_rate() == [(START, 75), (START + 0.1, 10)]
