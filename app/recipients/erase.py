"""Erasing a person from campaigns: their rows go on counting, and no longer say who it was."""

from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.db import run_sql
from app.directory.models import User
from app.recipients.facts import RecipientKey
from app.recipients.rows import drop_strangers, hold_recipients

_FIND: Final = """
    SELECT campaign_id, number FROM recipients
    WHERE school_id = $1 AND "user" = $2
    ORDER BY campaign_id, number
"""
# The hash stays: it makes an unsubscription by the mail they still have, or a late bounce, hold.
_ERASE_RECIPIENTS: Final = """
    UPDATE recipients
    SET "user" = NULL, email = NULL, wire_address = NULL, first_name = '', last_name = '', attributes = '{}'
    WHERE school_id = $1 AND "user" = $2
    RETURNING campaign_id, number, address_key
"""
_MARK_OUTCOMES: Final = """
    UPDATE recipient_outcomes o SET "user" = NULL, diagnostic = NULL
    FROM unnest($2::uuid[], $3::int[]) AS theirs (campaign_id, number)
    WHERE (o.school_id, o.campaign_id, o.number) = ($1, theirs.campaign_id, theirs.number)
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

    Who is still queued is left for the claim to take out: it alone knows who is in a call to SES. An outcome
    is made for them all the same, so that what comes later knows that they were erased.
    """
    connection, key = await session.connection(), (user.school_id, user.external_id)
    held = [RecipientKey(user.school_id, *row) for row in await run_sql(connection, _FIND, *key)]
    await hold_recipients(connection, held)
    await drop_strangers(connection, held)
    rows = await run_sql(connection, _ERASE_RECIPIENTS, *key)
    places = ([row.campaign_id for row in rows], [row.number for row in rows])
    await run_sql(connection, _MARK_OUTCOMES, user.school_id, *places)
    await run_sql(connection, _ERASE_HISTORY, user.school_id, *places)
    await run_sql(connection, _ERASE_EXCLUSIONS, *key)
    return {row.address_key for row in rows}


async def list_addresses(session: AsyncSession, user: User) -> set[str]:
    """Return every address that campaigns knew them by, beside the one they have now."""
    rows = await run_sql(await session.connection(), _ADDRESSES, user.school_id, user.external_id)
    found = {row[0] for row in rows} | {user.email, user.wire_address}
    return {address for address in found if address}
