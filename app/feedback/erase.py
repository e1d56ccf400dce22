"""What parked events hold on a person: SES's own words, with addresses and perhaps a subject.

An event that tags another school is never looked at. One that tags none belongs to nobody as far as we know;
it is erased once it was given up, since until then it may prove to be another school's.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import run_sql
from app.core.schema import JsonObject
from app.directory.models import User
from app.feedback.parking import MOST_TRIES
from app.recipients.erase import list_addresses

_TAGGED: Final = "coalesce(event #>> '{mail,tags,school_id,0}', event #>> '{mail,tags,school_id}')"
_READ: Final = f"""
    SELECT event FROM parked_events WHERE {_TAGGED} = $1::text AND event::text ~* $2 ORDER BY received_at, key
"""  # noqa: S608  # only names of this module's own go in
_FORGET: Final = f"""
    DELETE FROM parked_events
    WHERE event::text ~* $2 AND ({_TAGGED} = $1::text OR ({_TAGGED} IS NULL AND tries >= $3))
"""  # noqa: S608  # only names of this module's own go in


async def read_parked(session: AsyncSession, user: User) -> Mapping[str, Sequence[JsonObject]]:
    """Return `unplaced_events`: those of this school that name one of the user's addresses."""
    pattern = _match_any(await list_addresses(session, user))
    rows = await run_sql(await session.connection(), _READ, str(user.school_id), pattern)
    return {"unplaced_events": [row[0] for row in rows]}


async def erase_parked(session: AsyncSession, user: User) -> frozenset[bytes]:
    """Drop the events that name one of the user's addresses; it must come before campaigns forget those."""
    pattern = _match_any(await list_addresses(session, user))
    await run_sql(await session.connection(), _FORGET, str(user.school_id), pattern, MOST_TRIES)
    return frozenset()


def _match_any(addresses: set[str]) -> str:
    """Match any of the addresses in JSON text, standing alone: `ann@x.example` is no part of `joann@…`."""
    quoted = (re.escape(orjson.dumps(address).decode()[1:-1]) for address in sorted(addresses))
    return rf"(?<![\w.+-])({'|'.join(quoted)})(?![\w-]|\.\w)"
