"""One look: what the topics that are listened to are now, in as few reads as there are kinds of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.reports.live import reading
from app.reports.live.reading import Pair, Shown, digest_marks

MOST_NEWEST = 50
"""So many campaigns are told to whoever begins to listen to a list: a page of it."""


@dataclass(frozen=True, slots=True)
class KnownList:
    """The marks of all of a school's campaigns, and their digest."""

    marks: Mapping[UUID, int]
    digest: int


@dataclass(frozen=True, slots=True)
class Watch:
    """What is to be looked at."""

    campaigns: Sequence[Pair]
    lists: Mapping[UUID, KnownList | None]
    """Each school's list as it was seen last, if it was."""
    arriving: Sequence[UUID]
    """Schools to whose list somebody has just begun to listen."""


@dataclass(slots=True)
class Sight:
    """What a look has found."""

    rows: dict[Pair, Shown] = field(default_factory=dict)
    lists: dict[UUID, KnownList] = field(default_factory=dict)
    changed: dict[UUID, list[UUID]] = field(default_factory=dict)
    """Each school's campaigns that are not as they were seen last."""
    newest: dict[UUID, list[UUID]] = field(default_factory=dict)


async def look(connection: AsyncConnection, watch: Watch) -> Sight:
    """Look once: one read for all campaigns, one for all lists, and another when a list changed."""
    sight = Sight()
    if watch.lists:
        await _look_at_lists(connection, watch.lists, sight)
    if watch.arriving:
        sight.newest = await reading.read_newest(connection, watch.arriving, most=MOST_NEWEST)
    pairs = {*watch.campaigns, *_pair(sight.changed), *_pair(sight.newest)}
    if pairs:
        sight.rows = await reading.read_rows(connection, pairs)
    return sight


async def _look_at_lists(
    connection: AsyncConnection, lists: Mapping[UUID, KnownList | None], sight: Sight
) -> None:
    digests = await reading.read_digests(connection, list(lists))
    turned = [school for school, known in lists.items() if known is None or known.digest != digests[school]]
    marks = await reading.read_marks(connection, turned) if turned else {}
    for school, known in lists.items():
        now = marks.get(school)
        if now is None:
            assert known is not None
            sight.lists[school] = known
            continue
        # The digest of these marks, not the one read before them: a change between the two is then seen next.
        sight.lists[school] = KnownList(now, digest_marks(now))
        if known is not None:
            sight.changed[school] = [each for each, mark in now.items() if known.marks.get(each) != mark]


def _pair(campaigns: Mapping[UUID, Sequence[UUID]]) -> list[Pair]:
    return [(school, campaign) for school, them in campaigns.items() for campaign in them]
