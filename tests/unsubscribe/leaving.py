"""What recipients hold in their hands, and what the school sees of their wishes."""

from typing import Any
from uuid import UUID

from sqlalchemy import select

from app.core.config import Settings
from app.core.db import Database
from app.core.signing import Purpose, RecipientRef, Signer
from app.directory.models import PreferenceChange
from tests.school import MESSAGE, SchoolClient

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def make_link(
    settings: Settings,
    school: SchoolClient,
    campaign: UUID,
    number: int = 1,
    purpose: Purpose = Purpose.UNSUBSCRIBE,
) -> str:
    """Return the path of a recipient's unsubscribe link."""
    ref = RecipientRef(school.id, campaign, number)
    return f"/u/{Signer(settings.secret_keys).sign(purpose, ref)}"


async def count_reached(school: SchoolClient, message_type: str = "marketing") -> int:
    """Return how many a message of this type would reach now."""
    body = {"audience": MESSAGE["audience"], "message_type": message_type}
    answer = await school.http.post("/v1/audiences/preview", json=body)
    assert answer.status_code == 200, answer.text
    reached: int = answer.json()["recipients"]
    return reached


async def read_preferences(school: SchoolClient, user: str = "u1") -> tuple[str, str]:
    """Return a user's preferences for marketing and newsletter."""
    read = await school.read(f"/v1/directory/users/{user}")
    return read["marketing"], read["newsletter"]


async def read_history(database: Database, school: SchoolClient) -> list[tuple[Any, ...]]:
    """Return every change of preference: type, preference, source, campaign."""
    async with database.system_transaction() as session:
        rows = await session.execute(
            select(
                PreferenceChange.message_type,
                PreferenceChange.preference,
                PreferenceChange.source,
                PreferenceChange.campaign_id,
            )
            .where(PreferenceChange.school_id == school.id)
            .order_by(PreferenceChange.id)
        )
        return [tuple(row) for row in rows]


async def count_unsubscribed(school: SchoolClient, campaign: UUID) -> int:
    """Return what the campaign's report says of unsubscriptions."""
    count: int = (await school.read(f"/v1/campaigns/{campaign}"))["stats"]["unsubscribed"]
    return count
