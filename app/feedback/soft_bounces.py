"""Soft bounces in a row: judged anew from the facts of all the address's mails, so that no order matters."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import run_sql
from app.recipients.facts import Fact, FactKind

Address = tuple[UUID, bytes]
"""A school and its hash of an address."""

_REMEMBER: Final = """
    INSERT INTO soft_bounces (school_id, address_key)
    SELECT * FROM unnest($1::uuid[], $2::bytea[]) ON CONFLICT DO NOTHING
"""
# Who bounces and who delivers lock the address alike: of two that judge it, one sees what the other wrote.
_LOCK: Final = """
    SELECT s.school_id, s.address_key
    FROM soft_bounces s
    JOIN unnest($1::uuid[], $2::bytea[]) AS k (school_id, address_key)
        ON (s.school_id, s.address_key) = (k.school_id, k.address_key)
    ORDER BY s.school_id, s.address_key
    FOR UPDATE OF s
"""
# Mails are found by the users who have the address, or had it when it was mailed: it has no index of its own.
# The probes stand behind OFFSET 0, as in the directory's `lookup`.
_MAILS: Final = """
    WITH named AS (
        SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[]) AS k (school_id, address_key, "user")
    ), holders AS (
        SELECT school_id, address_key, "user" COLLATE "C" AS "user" FROM named
        UNION
        SELECT n.school_id, n.address_key, u.external_id
        FROM named n
        CROSS JOIN LATERAL (
            SELECT external_id FROM users
            WHERE school_id = n.school_id AND address_key = n.address_key OFFSET 0
        ) AS u
    )
    SELECT h.school_id, h.address_key, m.campaign_id, m.email, m.bounced_at IS NOT NULL,
        coalesce(m.bounced_at, m.delivered_at), l.soft_bounce_limit, EXISTS (
            SELECT FROM suppressions x
            WHERE x.school_id = h.school_id AND x.address_key = h.address_key AND x.reason = 'soft_bounced'
        )
    FROM holders h
    JOIN schools l ON l.id = h.school_id
    JOIN soft_bounces s ON (s.school_id, s.address_key) = (h.school_id, h.address_key)
    CROSS JOIN LATERAL (
        SELECT r.campaign_id, r.email, r.address_key, o.soft_bounced_at AS bounced_at, o.delivered_at
        FROM recipients r
        CROSS JOIN LATERAL (
            SELECT soft_bounced_at, delivered_at FROM recipient_outcomes
            WHERE (school_id, campaign_id, number) = (r.school_id, r.campaign_id, r.number) OFFSET 0
        ) AS o
        WHERE r.school_id = h.school_id AND r."user" = h."user" OFFSET 0
    ) AS m
    WHERE m.address_key = h.address_key
        AND coalesce(m.bounced_at, m.delivered_at) > coalesce(s.counted_from, '-infinity')
"""


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose address a fact is about; `email` and `user` are null once they were erased."""

    school_id: UUID
    address_key: bytes
    campaign_id: UUID
    email: str | None
    user: str | None

    @property
    def address(self) -> Address:
        """The school and the hash."""
        return (self.school_id, self.address_key)


@dataclass(frozen=True, slots=True)
class Mail:
    """What became of one mail to an address: a soft bounce, or a delivery."""

    at: datetime
    bounced: bool
    campaign_id: UUID
    email: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Addresses with as many soft bounces in a row as their school bears, and those suppressed without."""

    runs: tuple[Holder, ...] = ()
    broken: frozenset[Address] = frozenset()


async def judge_soft_bounces(connection: AsyncConnection, facts: Sequence[tuple[Holder, Fact]]) -> Verdict:
    """Judge the addresses of fresh soft bounces, and of fresh deliveries after there were soft bounces.

    An erased person's mails can no longer be told from others', so nothing is concluded from them.
    """
    known = [(holder, fact) for holder, fact in facts if holder.user is not None]
    bounced = {holder.address for holder, fact in known if fact.kind is FactKind.SOFT_BOUNCED}
    if bounced:
        await run_sql(connection, _REMEMBER, *_to_columns(bounced))
    heard = {holder.address for holder, _ in known}
    if not heard:
        return Verdict()
    judged = {(row[0], row[1]) for row in await run_sql(connection, _LOCK, *_to_columns(heard))}
    if not judged:
        return Verdict()
    named = sorted({(*holder.address, holder.user or "") for holder, _ in known if holder.address in judged})
    rows = await run_sql(connection, _MAILS, *(list(column) for column in zip(*named, strict=True)))
    mails: dict[Address, list[Mail]] = defaultdict(list)
    limits: dict[Address, int] = {}
    suppressed: set[Address] = set()
    for row in rows:
        mails[row[0], row[1]].append(Mail(row[5], row[4], row[2], row[3]))
        limits[row[0], row[1]] = row[6]
        if row[7]:
            suppressed.add((row[0], row[1]))
    runs = []
    for (school_id, address_key), theirs in mails.items():
        last = find_run(theirs, limits[school_id, address_key])
        if last:
            runs.append(Holder(school_id, address_key, last.campaign_id, last.email, None))
    return Verdict(tuple(runs), frozenset(suppressed - {run.address for run in runs}))


def find_run(mails: Collection[Mail], limit: int) -> Mail | None:
    """Return the mail with which there were first `limit` soft bounces in a row, by their own instants."""
    length = 0
    for mail in sorted(mails, key=lambda mail: (mail.at, mail.bounced, mail.campaign_id.bytes)):
        length = length + 1 if mail.bounced else 0
        if length == limit:
            return mail
    return None


def _to_columns(addresses: Collection[Address]) -> tuple[list[UUID], list[bytes]]:
    in_order = sorted(addresses)
    return [school_id for school_id, _ in in_order], [address_key for _, address_key in in_order]
