"""An audience in plain words."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.audience.audience import FilteredAudience
from app.audience.base import Filter
from app.audience.filters.groups import InGroup
from app.audience.models import MailingList
from app.audience.narrow import Narrow
from app.campaigns.models import Campaign
from app.campaigns.views import UNTITLED
from app.directory.models import Category, Group, Trainer
from app.recipients.filters import EarlierCampaign
from app.reports.page.words import count_of, show_instant

Names = Mapping[tuple[str, object], str]
"""What the records that an audience names are called, by table and id."""

_OUTCOMES: Final = {
    "any": "who were sent {}",
    "opened": "who opened {}",
    "not_opened": "who got {} and did not open it",
    "clicked": "who clicked a link in {}",
    "not_clicked": "who got {} and clicked no link in it",
    "failed": "whom {} did not reach",
}
_SIMPLE: Final = {
    "active_users": "whose account is active",
    "ongoing_enrollments": "with an ongoing enrollment",
    "upcoming_enrollments": "with an upcoming enrollment",
    "current_enrollments": "with an ongoing or upcoming enrollment",
    "ended_enrollments": "with an enrollment that has ended",
    "online_enrollments": "enrolled in an online course",
    "valid_passes": "with a valid pass",
    "active_subscriptions": "with a running subscription",
}


async def describe_audience(
    session: AsyncSession, *, school_id: UUID, audience: Mapping[str, Any], timezone: ZoneInfo
) -> str:
    """Say whom a campaign was for, the records it names by their names where they are still there."""
    words = ""
    if saved := audience.get("mailing_list_id"):
        mailing_list = await session.get(MailingList, (school_id, UUID(saved)))
        words = f"The mailing list “{mailing_list.name}”" if mailing_list else "A mailing list"
        words += ": " if "filter" in audience else ""
    if "filter" not in audience:
        return words
    try:
        asked = FilteredAudience.model_validate({k: v for k, v in audience.items() if k != "mailing_list_id"})
    except ValidationError:
        return f"{words}An audience that can no longer be understood"
    names = await _find_names(session, school_id, asked)
    return words + _say_whole(asked, names, timezone)


async def _find_names(session: AsyncSession, school_id: UUID, asked: FilteredAudience) -> Names:
    wanted: dict[type[Any], set[object]] = {
        Trainer: set(asked.narrow.trainers),
        Category: set(asked.narrow.categories),
        Group: {part.group for _, part in asked.filter.walk() if isinstance(part, InGroup)},
    }
    names: dict[tuple[str, object], str] = {}
    for table, ids in wanted.items():
        if ids:
            query = select(table.external_id, table.name).where(
                table.school_id == school_id, table.external_id.in_(ids)
            )
            names |= {(table.__tablename__, row[0]): row[1] for row in await session.execute(query)}
    campaigns = {part.campaign for _, part in asked.filter.walk() if isinstance(part, EarlierCampaign)}
    if campaigns:
        earlier = select(Campaign.id, Campaign.name).where(
            Campaign.school_id == school_id, Campaign.id.in_(campaigns)
        )
        names |= {("campaigns", row[0]): row[1] or UNTITLED for row in await session.execute(earlier)}
    return names


def _say_whole(asked: FilteredAudience, names: Names, timezone: ZoneInfo) -> str:
    words = f"People {describe_filter(asked.filter, names, timezone)}"
    narrowed = _describe_narrow(asked.narrow, names)
    return f"{words}; only {narrowed}" if narrowed else words


def describe_filter(part: Filter, names: Names, timezone: ZoneInfo) -> str:
    """Say of whom a filter speaks: what follows “People”."""
    if part.kind in _SIMPLE:
        return _SIMPLE[part.kind]
    if part.kind in _COMBINATIONS:
        joined, words = _COMBINATIONS[part.kind], [describe_filter(e, names, timezone) for e in part.parts]
        return joined([f"({w})" if e.parts else w for e, w in zip(part.parts, words, strict=True)])
    say = _PARAMETRIC.get(part.kind)
    # A kind that was added since needs no word of ours to be shown.
    return say(part, names, timezone) if say else f"found by “{part.kind.replace('_', ' ')}”"


def _describe_narrow(narrow: Narrow, names: Names) -> str:
    found = []
    for what, table, ids in (
        ("trained by", "trainers", narrow.trainers),
        ("in the category", "categories", narrow.categories),
    ):
        if ids:
            found.append(f"{what} {' or '.join(_name(names, table, each) for each in ids)}")
    if narrow.preferences:
        found.append(f"those subscribed to {' and '.join(narrow.preferences)} emails")
    if narrow.exclude_remote_courses:
        found.append("what is not a remote course")
    return ", ".join(found)


def _name(names: Names, table: str, key: object) -> str:
    return f"“{names.get((table, key), key)}”"


def _say_booking(part: Any, _: Names, timezone: ZoneInfo) -> str:
    upcoming = part.kind == "upcoming_bookings"
    words = ["with an upcoming booking" if upcoming else "with a past booking"]
    if part.start is not None:
        words.append(f"from {_show(part.start, timezone)}")
    if part.end is not None:
        words.append(f"before {_show(part.end, timezone)}")
    if part.within_days is not None:
        words.append(f"in the {'next' if upcoming else 'last'} {count_of(part.within_days, 'day')}")
    return " ".join(words)


def _show(at: datetime, timezone: ZoneInfo) -> str:
    return show_instant(at, timezone)


_COMBINATIONS: Final[Mapping[str, Callable[[list[str]], str]]] = {
    "all_of": ", and at the same time ".join,
    "any_of": ", or ".join,
    "none_of": lambda words: f"other than those {', or '.join(words)}",
}
_PARAMETRIC: Final[Mapping[str, Callable[[Any, Names, ZoneInfo], str]]] = {
    "upcoming_bookings": _say_booking,
    "past_bookings": _say_booking,
    "past_orders": lambda part, *_: f"who ordered in the last {count_of(part.months, 'month')}",
    "recent_accounts": lambda part, *_: f"who registered in the last {count_of(part.days, 'day')}",
    "group": lambda part, names, _: f"in the group {_name(names, 'groups', part.group)}",
    "campaign": lambda part, names, _: _OUTCOMES[part.outcome].format(
        f"the campaign {_name(names, 'campaigns', part.campaign)}"
    ),
}
