"""Campaigns under way without a worker: recipients frozen, facts recorded, as the worker would."""

from datetime import datetime
from typing import Any
from uuid import UUID

from app.core.clock import now
from app.core.db import Database
from app.core.ids import new_id
from app.delivery.planning import prepare_campaign
from app.recipients.facts import Fact, FactKind, RecipientKey
from app.recipients.record import record_facts
from tests.school import SchoolClient


async def send_prepared(school: SchoolClient, database: Database, **changes: Any) -> UUID:
    """Send a message and freeze its recipients; they are numbered by external id."""
    campaign = UUID((await school.send(**changes))["id"])
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign)
    return campaign


async def record(
    database: Database,
    school: SchoolClient,
    campaign: UUID,
    number: int,
    kind: FactKind,
    *,
    at: datetime | None = None,
    **details: Any,
) -> None:
    """Record one fact about a recipient, under a key of its own."""
    fact = Fact(RecipientKey(school.id, campaign, number), kind, at or now(), key=new_id().bytes)
    async with database.connection() as connection:
        recorded = await record_facts(connection, [fact._replace(**details)])
    assert not recorded.missing
