"""Months as the history is cut by them (pure)."""

import re
from datetime import date

_NAME = re.compile(r"email_events_(\d{4})_(\d{2})")


def add_months(day: date, months: int) -> date:
    """Return the first day of the month that many months on, or back."""
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def list_months(day: date, count: int) -> list[date]:
    """Return the first days of this month and those after it, `count` in all."""
    return [add_months(day, offset) for offset in range(count)]


def name_partition(month: date) -> str:
    """Name the partition of a month."""
    return f"email_events_{month:%Y_%m}"


def read_month(partition: str) -> date | None:
    """Return the month of a partition by its name; None for the default, or another's table."""
    match = _NAME.fullmatch(partition)
    if match is None or not 1 <= int(match[2]) <= 12:
        return None
    return date(int(match[1]), int(match[2]), 1)
