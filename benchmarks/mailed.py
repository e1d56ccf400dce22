"""A campaign that is sent: its people are frozen and accepted, straight in the tables."""

from dataclasses import dataclass
from uuid import UUID

import httpx
from sqlalchemy import text

from app.core.config import Settings
from app.core.db import Database
from app.core.logging import configure_logging
from app.delivery.planning import prepare_campaign
from app.demo.run import open_school
from app.demo.stack import Stack
from app.schools.keys import parse_key

HTML = '<body><a href="https://school.example/a?x=1&amp;y=2">A</a><a href="https://school.example/b">B</a></body>'
# What the sending of it leaves behind.
_ACCEPT = (
    """
    INSERT INTO recipient_outcomes (school_id, campaign_id, number, "user", status, accepted_at, message_id)
    SELECT school_id, campaign_id, number, "user", 'accepted', now(), 'm' || number FROM recipients
    """,
    "UPDATE campaign_counters SET sent = recipients",
    "UPDATE batches SET state = 'done'",
    "VACUUM ANALYZE recipients",
    "VACUUM ANALYZE recipient_outcomes",
)


class EventsLost(Exception):
    """What was answered as recorded is not there; the message is one line."""


@dataclass(frozen=True, slots=True)
class Mailed:
    """The campaign, its school, and the settings of the deployment."""

    settings: Settings
    school_id: UUID
    campaign_id: UUID


async def send_campaign(stack: Stack, recipients: int) -> Mailed:
    """Send to so many people."""
    configure_logging(level="WARNING")  # to standard error: standard output is the table's
    key = await open_school(stack)
    parts = parse_key(key)
    assert parts is not None
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=stack.api_url, headers=headers, timeout=120, trust_env=False
    ) as api:
        for first in range(1, recipients + 1, 1000):
            items = [
                {"external_id": f"u{n:07}", "email": f"user{n}@school.example"}
                for n in range(first, min(first + 1000, recipients + 1))
            ]
            (await api.put("/v1/directory/users", json={"items": items})).raise_for_status()
        message = {
            "message_type": "operational",
            "subject": "Hello",
            "html": HTML,
            "audience": {"filter": {"kind": "active_users"}},
        }
        answer = await api.post("/v1/messages", json=message)
        answer.raise_for_status()
    campaign_id = UUID(answer.json()["id"])
    settings = Settings(
        database_url=stack.services.database_url,
        redis_url=stack.services.redis_url,
        public_url=stack.api_url,
        secret_keys=stack.environment["CAMPAIGNS_SECRET_KEYS"],
    )
    database = Database(settings)
    try:
        async with database.system_transaction() as session:
            await prepare_campaign(session, school_id=parts.school_id, campaign_id=campaign_id)
        async with database.engine.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            for statement in _ACCEPT:
                await connection.execute(text(statement))
    finally:
        await database.close()
    return Mailed(settings, parts.school_id, campaign_id)


async def count(mailed: Mailed, column: str) -> int:
    """Return a counter of the campaign."""
    database = Database(mailed.settings)
    try:
        async with database.connection() as connection:
            query = text(f"SELECT {column} FROM campaign_counters WHERE campaign_id = :id")  # noqa: S608  # ours
            return int((await connection.execute(query, {"id": mailed.campaign_id})).scalar_one())
    finally:
        await database.close()
