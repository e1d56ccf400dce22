"""Whether those who listen still may: a stream outlives the moment at which its credential was looked at."""

from collections.abc import Collection
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.clock import now
from app.core.db import run_sql
from app.schools.access import Caller
from app.schools.scopes import Scope

_VALID: Final = """
    SELECT a.school_id, a.id
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (school_id, id)
    JOIN api_keys a ON (a.school_id, a.id) = (asked.school_id, asked.id)
    WHERE a.revoked_at IS NULL AND (a.expires_at IS NULL OR a.expires_at > now()) AND $3 = ANY (a.scopes)
"""


async def find_valid_callers(connection: AsyncConnection, callers: Collection[Caller]) -> set[Caller]:
    """Return those who may still read campaigns: by a key while it is valid, by a token until it expires."""
    at = now()
    people = {each for each in callers if each.key_id is None and each.expires_at and each.expires_at > at}
    keys = [each for each in callers if each.key_id is not None]
    if not keys:
        return people
    columns = [each.school_id for each in keys], [each.key_id for each in keys]
    rows = await run_sql(connection, _VALID, *columns, Scope.CAMPAIGNS_READ.value)
    valid = {tuple(row) for row in rows}
    return people | {each for each in keys if (each.school_id, each.key_id) in valid}
