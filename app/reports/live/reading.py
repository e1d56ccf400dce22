"""What listeners watch, read for many of them at once: each campaign's row of the list, and a mark of it.

A mark is a hash of all that the row shows, made by PostgreSQL: the same marks, the same rows. Writers do
nothing for it. A school's digest is all its campaigns' marks in one number, so that a quiet list costs one
row however long it is.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Integer
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from app.campaigns.models import Campaign
from app.campaigns.schemas import CampaignView
from app.campaigns.views import make_campaign_view, make_stats
from app.core.db import run_sql
from app.core.errors import NotFound
from app.recipients.models import CampaignCounters

Pair = tuple[UUID, UUID]
"""A school's id and the campaign's."""

_CAMPAIGN: Final = (
    "id",
    "name",
    "message_type",
    "status",
    "status_reason",
    "subject",
    "sent_at",
    "sent_by_id",
    "sent_by_name",
    "scheduled_for",
    "completed_at",
)
_COUNTERS: Final = tuple(
    column.name for column in CampaignCounters.__table__.columns if isinstance(column.type, Integer)
)
_SHOWN: Final = (
    *(f"c.{name}" for name in _CAMPAIGN),
    "s.timezone",
    "coalesce(b.sending, 0)",
    *(f"coalesce(k.{name}, 0)" for name in _COUNTERS),
)
_MARK: Final = f"hash_record_extended(ROW({', '.join(_SHOWN)}), 0)"
_JOINED: Final = """
    JOIN schools s ON s.id = c.school_id
    LEFT JOIN campaign_counters k ON (k.school_id, k.campaign_id) = (c.school_id, c.id)
    LEFT JOIN (
        SELECT school_id, campaign_id, sum(cardinality(recipients))::int AS sending
        FROM batches WHERE state = 'calling' AND school_id = ANY ($1::uuid[])
        GROUP BY school_id, campaign_id
    ) AS b ON (b.school_id, b.campaign_id) = (c.school_id, c.id)
"""
_ROWS: Final = f"""
    SELECT c.school_id, {_MARK}, {", ".join(_SHOWN)}
    FROM unnest($1::uuid[], $2::uuid[]) AS wanted (school_id, id)
    JOIN campaigns c ON (c.school_id, c.id) = (wanted.school_id, wanted.id)
    {_JOINED}
"""  # noqa: S608  # only names of this module's own go in, here and below
_MARKS: Final = f"""
    SELECT c.school_id, c.id, {_MARK} FROM campaigns c {_JOINED} WHERE c.school_id = ANY ($1::uuid[])
"""  # noqa: S608
_DIGESTS: Final = f"""
    SELECT c.school_id, bit_xor({_MARK}) FROM campaigns c {_JOINED} WHERE c.school_id = ANY ($1::uuid[])
    GROUP BY c.school_id
"""  # noqa: S608
_NEWEST: Final = """
    SELECT c.school_id, c.id
    FROM unnest($1::uuid[]) AS wanted (school_id)
    CROSS JOIN LATERAL (
        SELECT n.school_id, n.id, row_number() OVER () AS place
        FROM (
            SELECT school_id, id FROM campaigns WHERE school_id = wanted.school_id
            ORDER BY listed_at DESC NULLS FIRST, id DESC LIMIT $2
        ) AS n
    ) AS c
    ORDER BY c.school_id, c.place
"""
_EXISTS: Final = "SELECT 1 FROM campaigns WHERE school_id = $1 AND id = $2"


@dataclass(frozen=True, slots=True)
class Shown:
    """A campaign's row of the list as it is now, and its mark."""

    mark: int
    values: tuple[Any, ...]

    def make_view(self) -> CampaignView:
        """Make what the API answers of it."""
        about, (timezone, sending, *counts) = self.values[: len(_CAMPAIGN)], self.values[len(_CAMPAIGN) :]
        campaign = Campaign(**dict(zip(_CAMPAIGN, about, strict=True)))
        stats = make_stats(dict(zip(_COUNTERS, counts, strict=True)), sending=sending)
        return make_campaign_view(campaign, timezone=timezone, stats=stats)


async def find_campaign(session: AsyncSession, *, school_id: UUID, campaign_id: UUID) -> None:
    """Raise NotFound unless the school has this campaign."""
    if not await run_sql(await session.connection(), _EXISTS, school_id, campaign_id):
        raise NotFound("There is no such campaign.")


async def read_rows(connection: AsyncConnection, pairs: Iterable[Pair]) -> dict[Pair, Shown]:
    """Return the row of each campaign named."""
    wanted = list(pairs)
    columns = [school for school, _ in wanted], [campaign for _, campaign in wanted]
    rows = await run_sql(connection, _ROWS, *columns)
    return {(row[0], row[2]): Shown(row[1], tuple(row[2:])) for row in rows}


async def read_marks(connection: AsyncConnection, schools: Sequence[UUID]) -> dict[UUID, dict[UUID, int]]:
    """Return the marks of all campaigns of each school."""
    found: dict[UUID, dict[UUID, int]] = {school: {} for school in schools}
    for school, campaign, mark in await run_sql(connection, _MARKS, list(schools)):
        found[school][campaign] = mark
    return found


async def read_digests(connection: AsyncConnection, schools: Sequence[UUID]) -> dict[UUID, int]:
    """Return the digest of each school."""
    found = {row[0]: row[1] for row in await run_sql(connection, _DIGESTS, list(schools))}
    return {school: found.get(school, 0) for school in schools}


def digest_marks(marks: Mapping[UUID, int]) -> int:
    """Return the digest of a school with these marks, as `read_digests` does."""
    return reduce(xor, marks.values(), 0)


async def read_newest(
    connection: AsyncConnection, schools: Sequence[UUID], *, most: int
) -> dict[UUID, list[UUID]]:
    """Return the first campaigns of each school's list, in its order."""
    found: dict[UUID, list[UUID]] = {school: [] for school in schools}
    for school, campaign in await run_sql(connection, _NEWEST, list(schools), most):
        found[school].append(campaign)
    return found
