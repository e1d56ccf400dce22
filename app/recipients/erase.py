"""Erasing a person from campaigns: their rows go on counting, and no longer say who it was."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import run_sql
from app.directory.models import User

# In the order in which facts lock recipients, so that neither waits for the other. Who is queued yet has no
# row: it is made, so that what comes later knows that they were erased.
_ERASE_OUTCOMES: Final = """
    INSERT INTO recipient_outcomes (school_id, campaign_id, number, erased)
    SELECT school_id, campaign_id, number, true FROM recipients
    WHERE school_id = $1 AND "user" = $2
    ORDER BY campaign_id, number
    ON CONFLICT (school_id, campaign_id, number) DO UPDATE SET erased = true, diagnostic = NULL
"""
# The hash stays: it makes an unsubscription by the mail they still have, or a late bounce, hold.
_ERASE_RECIPIENTS: Final = """
    UPDATE recipients
    SET "user" = NULL, email = NULL, wire_address = NULL, first_name = '', last_name = '', attributes = '{}'
    WHERE school_id = $1 AND "user" = $2
    RETURNING campaign_id, number, address_key
"""
_ERASE_HISTORY: Final = """
    UPDATE email_events e SET diagnostic = NULL, agent = NULL
    FROM unnest($2::uuid[], $3::int[]) AS theirs (campaign_id, number)
    WHERE e.school_id = $1 AND e.campaign_id = theirs.campaign_id AND e.number = theirs.number
        AND (e.diagnostic IS NOT NULL OR e.agent IS NOT NULL)
"""
_ERASE_EXCLUSIONS: Final = """
    UPDATE exclusions SET "user" = NULL, email = NULL, name = '' WHERE school_id = $1 AND "user" = $2
"""
_ADDRESSES: Final = """
    SELECT email FROM recipients WHERE school_id = $1 AND "user" = $2
    UNION SELECT wire_address FROM recipients WHERE school_id = $1 AND "user" = $2
    UNION SELECT email FROM exclusions WHERE school_id = $1 AND "user" = $2
"""


async def erase_from_campaigns(session: AsyncSession, user: User) -> set[bytes]:
    """Take name, address, attributes, programs and servers' words out; return the hashes of their addresses.

    Who is still queued is left for the claim to take out: it alone knows who is in a call to SES.
    """
    connection, key = await session.connection(), (user.school_id, user.external_id)
    await run_sql(connection, _ERASE_OUTCOMES, *key)
    rows = await run_sql(connection, _ERASE_RECIPIENTS, *key)
    places = ([row.campaign_id for row in rows], [row.number for row in rows])
    await run_sql(connection, _ERASE_HISTORY, user.school_id, *places)
    await run_sql(connection, _ERASE_EXCLUSIONS, *key)
    return {row.address_key for row in rows}


async def list_addresses(session: AsyncSession, user: User) -> set[str]:
    """Return every address that campaigns knew them by, beside the one they have now."""
    rows = await run_sql(await session.connection(), _ADDRESSES, user.school_id, user.external_id)
    found = {row[0] for row in rows} | {user.email, user.wire_address}
    return {address for address in found if address}
