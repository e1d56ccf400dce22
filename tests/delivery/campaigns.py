"""Campaigns in the state a test begins with, and what it looks at afterwards."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.core.db import Database
from app.delivery import claiming
from app.delivery.claiming import Addressee, Claim
from app.delivery.fairness import Turn
from app.delivery.planning import prepare_campaign
from app.recipients.exclude import count_excluded
from tests.school import SchoolClient

LEASE_SECONDS = 60
CONFIGURATION_SET = "campaigns"


def make_claim(*numbers: int, attempt: int = 1, tries: int = 0) -> Claim:
    """Return a claim of nobody real."""
    school_id, campaign_id = UUID(int=1), UUID(int=2)
    addressees = tuple(
        Addressee(n, f"u{n}@school.example", f"u{n}@school.example", "", "", {}) for n in numbers
    )
    return Claim(school_id, campaign_id, 7, 1, attempt, tries, addressees)


async def open_campaign(
    database: Database, school: SchoolClient, recipients: int, *, batch_size: int = 50, **changes: Any
) -> Turn:
    """Send a message to new users and freeze it: its batches are due, and nobody has claimed one."""
    await school.push_users(recipients, marketing="subscribed")
    campaign_id = UUID((await school.send(**changes))["id"])
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign_id, batch_size=batch_size)
    return Turn(school.id, campaign_id, operational=False)


async def claim_batches(
    connection: AsyncConnection, turn: Turn, *, most: int, lease_seconds: int, **given: int
) -> list[Claim]:
    """Claim the next batches of this one campaign, as the worker does of several."""
    excluded: dict[tuple[UUID, UUID], Mapping[str, int]] = {}
    claims = await claiming.claim_batches(
        connection, turn, most=most, lease_seconds=lease_seconds, excluded=excluded, **given
    )
    await count_excluded(connection, excluded)
    return claims


async def claim(database: Database, turn: Turn, *, lease_seconds: int = LEASE_SECONDS) -> Claim | None:
    """Claim the next batch and commit."""
    async with database.connection() as connection:
        claims = await claim_batches(connection, turn, most=1, lease_seconds=lease_seconds)
        return claims[0] if claims else None


async def claim_some(database: Database, turn: Turn) -> Claim:
    """Claim the next batch; there must be one."""
    claimed = await claim(database, turn)
    assert claimed is not None
    return claimed


async def run_sql(database: Database, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Run one statement as the owner; what time or a crash would do, a test does so."""
    async with database.connection() as connection:
        result = await connection.execute(text(statement), values)
        return [tuple(row) for row in result] if result.returns_rows else []


async def list_batches(database: Database, turn: Turn) -> list[tuple[str, int, list[int]]]:
    """Return state, attempt and recipients of each batch, in order."""
    rows = await run_sql(
        database,
        "SELECT state, attempt, recipients FROM batches WHERE campaign_id = :id ORDER BY number",
        id=turn.campaign_id,
    )
    return [(state, attempt, list(recipients)) for state, attempt, recipients in rows]


async def end_leases(database: Database) -> None:
    """Let every lease have run out."""
    await run_sql(
        database, "UPDATE batches SET lease_until = now() - interval '1 second' WHERE state = 'calling'"
    )


async def hear_events(database: Database) -> None:
    """Let SES have published an event for the configuration set."""
    await run_sql(
        database,
        "INSERT INTO configuration_sets (name, last_event_at) VALUES (:name, now())",
        name=CONFIGURATION_SET,
    )


async def hear_of_accepted(database: Database, *, seconds_ago: int = 0) -> None:
    """Let events have come of everybody whom SES certainly accepted."""
    await run_sql(
        database,
        """
        UPDATE campaign_counters
        SET heard_until = accepted_until, heard_at = now() - make_interval(secs => :seconds_ago)
        """,
        seconds_ago=seconds_ago,
    )


async def read_campaign(school: SchoolClient, turn: Turn) -> Any:
    """Return the campaign as the API shows it."""
    return await school.read(f"/v1/campaigns/{turn.campaign_id}")


async def list_recipients(school: SchoolClient, turn: Turn) -> dict[int, Any]:
    """Return up to 200 recipients by number, as the API shows them."""
    page = await school.read(f"/v1/campaigns/{turn.campaign_id}/recipients", limit=200)
    return {each["id"]: each for each in page["items"]}
