"""That somebody takes a campaign's people away as a file: noted before the first byte of it leaves."""

from uuid import UUID

from app.campaigns.service import get_campaign
from app.core.db import Database
from app.schools.audit.record import record
from app.schools.caller import Caller


async def note_export(database: Database, *, caller: Caller, campaign_id: UUID) -> None:
    """Note it in the audit trail, in a transaction of its own; NotFound when there is no such campaign.

    Not in the one that reads: that one ends early when the client leaves, with half of the people sent.
    """
    async with database.tenant_transaction(caller.school_id) as session:
        await get_campaign(session, school_id=caller.school_id, campaign_id=campaign_id)
        record(
            session,
            "export.recipients",
            school_id=caller.school_id,
            kind="campaign",
            object_id=campaign_id,
            actor=caller.actor,
        )
