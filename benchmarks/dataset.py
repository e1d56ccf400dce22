"""A school of any size, written by INSERT … SELECT with what the public paths would have written."""

import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

import asyncpg
from sqlalchemy import select

from app.core.config import Settings
from app.core.db import Database
from app.schools.models import School
from app.schools.schemas import SchoolCreate
from app.schools.service import create_school

COURSES, TRAINERS, CATEGORIES, GROUPS = 500, 50, 20, 20
BLOCK: Final = 64
"""Bytes of a SHA-256 block, to which HMAC fills up its key (RFC 2104)."""

# $1 is the school, $2 how many users there are, $3 and $4 the two keys of the HMAC.
_USERS: Final = """
    INSERT INTO users (school_id, external_id, email, address_key, wire_address, first_name, last_name,
        status, registered_at, marketing, newsletter, locale, attributes, suppressed, shares_address)
    SELECT $1, 'user-' || n, email, address_key, CASE WHEN email LIKE 'zo%' THEN NULL ELSE email END,
        'First' || n % 1000, 'Last' || n % 7919, CASE WHEN n % 20 = 3 THEN 'inactive' ELSE 'active' END,
        now() - (n * 7919::bigint % (5 * 365 * 24 * 60)) * interval '1 minute',
        CASE WHEN n % 40 = 5 THEN 'unsubscribed' WHEN n % 10 < 6 THEN 'subscribed' ELSE 'unset' END,
        CASE WHEN n % 50 = 9 THEN 'unsubscribed' WHEN n % 10 < 5 THEN 'subscribed' ELSE 'unset' END,
        'es', jsonb_build_object('city', 'City ' || n % 100, 'level', n % 5), n % 100 = 11,
        count(*) OVER (PARTITION BY address_key) > 1
    FROM (
        SELECT n, email, substring(sha256($4::bytea || sha256($3::bytea || convert_to(email, 'UTF8'))) FOR 16)
            AS address_key
        FROM (
            SELECT n, CASE WHEN n % 1000 = 7 THEN 'zoë' ELSE 'user' END || box || '@mail' || box % 40
                || '.example' AS email
            FROM (
                SELECT n, CASE WHEN n % 50 = 1 THEN n + 1 ELSE n END AS box
                FROM generate_series(1, $2::int) AS n
            ) AS numbered
        ) AS typed
    ) AS hashed
    ORDER BY n
"""
_SUPPRESSIONS: Final = """
    INSERT INTO suppressions (school_id, address_key, email, reason, origin)
    SELECT school_id, address_key, email, 'bounce', 'ses' FROM users WHERE school_id = $1 AND suppressed
    ON CONFLICT DO NOTHING
"""
_NAMED: Final = """
    INSERT INTO {table} (school_id, external_id, name) SELECT $1, '{prefix}-' || n, '{prefix} ' || n
    FROM generate_series(1, {count}) AS n
"""
_COURSES: Final = f"""
    INSERT INTO courses (school_id, external_id, title, category, trainer, delivery)
    SELECT $1, 'course-' || n, 'Course ' || n, 'category-' || 1 + n % {CATEGORIES},
        'trainer-' || 1 + n % {TRAINERS},
        CASE WHEN n % 20 < 12 THEN 'onsite' WHEN n % 20 < 17 THEN 'remote' ELSE 'hybrid' END
    FROM generate_series(1, {COURSES}) AS n
"""  # noqa: S608  # numbers of this file only
_SOMEBODY: Final = "'user-' || 1 + floor(random() * $2::int)::int"
_SOMETHING: Final = f"'course-' || 1 + floor(random() * {COURSES})::int"
_KIND: Final = f"CASE WHEN n % 3 > 0 THEN 'category-' || 1 + n % {CATEGORIES} END"
_DAYS: Final = "now() + ((random() * {most}) - {ago}) * interval '1 day'"

# For each thousand users three thousand records.
_RELATED: Final[dict[str, tuple[float, str, str]]] = {
    "enrollments": (
        1,
        '"user", course, starts_at, ends_at, status',
        f"""{_SOMEBODY}, {_SOMETHING}, at, CASE WHEN n % 5 > 0 THEN at + interval '120 days' END,
        CASE WHEN n % 10 = 0 THEN 'cancelled' ELSE 'active' END""",
    ),
    "bookings": (
        1,
        '"user", course, trainer, starts_at, ends_at, status',
        f"""{_SOMEBODY}, {_SOMETHING}, CASE WHEN n % 4 = 0 THEN 'trainer-' || 1 + n % {TRAINERS} END,
        at, at + interval '1 hour', CASE WHEN n % 10 = 0 THEN 'cancelled' ELSE 'confirmed' END""",
    ),
    "passes": (
        0.3,
        '"user", category, valid_from, valid_until, credits_left, status',
        f"""{_SOMEBODY}, {_KIND}, at, CASE WHEN n % 5 > 0 THEN at + interval '200 days' END,
        nullif(n % 6, 5), CASE WHEN n % 10 = 0 THEN 'cancelled' ELSE 'active' END""",
    ),
    "subscriptions": (
        0.2,
        '"user", category, status, current_period_end',
        f"""{_SOMEBODY}, {_KIND},
        (ARRAY['active', 'active', 'active', 'trialing', 'paused', 'cancelled'])[1 + n % 6],
        CASE WHEN n % 3 > 0 THEN at END""",
    ),
    "orders": (
        0.3,
        '"user", course, placed_at, status',
        f"""{_SOMEBODY}, CASE WHEN n % 4 > 0 THEN {_SOMETHING} END, at,
        CASE WHEN n % 10 = 0 THEN 'refunded' ELSE 'paid' END""",
    ),
    "memberships": (0.2, '"group", "user"', f"'group-' || 1 + n % {GROUPS}, {_SOMEBODY}"),
}
_SPANS: Final = {"bookings": (230, 200), "subscriptions": (400, 100), "orders": (720, 720)}
TABLES: Final = ("users", "courses", *_RELATED)


async def make_school(settings: Settings, *, users: int) -> UUID:
    """Create a school with so many users and three times as many records about them; return its id."""
    database = Database(settings)
    try:
        async with database.system_transaction() as session:
            school = await create_school(
                session,
                wanted=SchoolCreate(
                    name=f"School of {users}",
                    timezone="Europe/Madrid",
                    from_name="School",
                    from_email="news@school.example",
                    postal_address="1 River Street, Sevilla",
                ),
            )
            secret = await session.scalar(select(School.address_secret).where(School.id == school.id))
    finally:
        await database.close()
    assert secret is not None
    await _fill(settings.database_url, school.id, users, secret)
    return school.id


async def _fill(url: str, school_id: UUID, users: int, secret: bytes) -> None:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await connection.execute("SELECT setseed(0.5); SET work_mem = '256MB'")
        inner, outer = (bytes(each ^ pad for each in secret.ljust(BLOCK, b"\0")) for pad in (0x36, 0x5C))
        await connection.execute(_USERS, school_id, users, inner, outer)
        await connection.execute(_SUPPRESSIONS, school_id)
        for table, prefix, count in (
            ("trainers", "trainer", TRAINERS),
            ("categories", "category", CATEGORIES),
            ("groups", "group", GROUPS),
        ):
            await connection.execute(_NAMED.format(table=table, prefix=prefix, count=count), school_id)
        await connection.execute(_COURSES, school_id)
        for table in _RELATED:
            await connection.execute(_make_insertion(table, users), school_id, users)
        await settle(connection, TABLES)
    finally:
        await connection.close()


def _make_insertion(table: str, users: int) -> str:
    share, columns, values = _RELATED[table]
    most, ago = _SPANS.get(table, (460, 400))
    return f"""
        INSERT INTO {table} (school_id, external_id, {columns})
        SELECT $1, '{table}-' || n, {values}
        FROM (
            SELECT n, {_DAYS.format(most=most, ago=ago)} AS at
            FROM generate_series(1, {round(users * share)}) AS n
        ) AS planned
        WHERE $2::int > 0
    """  # noqa: S608  # of this file's own text


async def settle(connection: asyncpg.Connection, tables: Sequence[str]) -> None:
    """Do what autovacuum and the checkpointer do after so many rows, so that neither is measured instead.

    The latter where the role may (`pg_checkpoint`).
    """
    for table in tables:
        await connection.execute(f"VACUUM (ANALYZE) {table}")
    with suppress(asyncpg.InsufficientPrivilegeError):
        await connection.execute("CHECKPOINT")


async def time_bare_write(url: str) -> float:
    """Return the seconds in which PostgreSQL writes all recipients once more, without index or constraint."""
    connection = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        started = time.perf_counter()
        await connection.execute("CREATE TABLE bare AS SELECT * FROM recipients")
        return time.perf_counter() - started
    finally:
        await connection.execute("DROP TABLE IF EXISTS bare")
        await connection.close()
