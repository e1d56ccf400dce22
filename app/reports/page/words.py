"""Numbers, shares and instants as people read them (pure)."""

from datetime import datetime
from zoneinfo import ZoneInfo


def show_number(value: int) -> str:
    """Show a count: 12,345."""
    return f"{value:,}"


def show_share(value: float | None) -> str:
    """Show a fraction as a percentage with at most two places: 0.8712 as 87.12%; nothing over zero."""
    return "–" if value is None else f"{value * 100:.2f}".rstrip("0").rstrip(".") + "%"


def show_instant(at: datetime, timezone: ZoneInfo) -> str:
    """Show an instant in words, in this timezone: 24 November 2026, 16:40 CET."""
    local = at.astimezone(timezone)
    return f"{local.day} {local:%B %Y, %H:%M %Z}"


def count_of(number: int, noun: str) -> str:
    """Name a number of things: 1 day, 30 days."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
