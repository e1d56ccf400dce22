"""Where a tracked link leads: the campaign's own links, kept in memory, since a campaign never changes."""

from collections import OrderedDict
from uuid import UUID

from sqlalchemy import select

from app.campaigns.models import Campaign
from app.content.compiled import CompiledMessage, Link, destination_for
from app.content.person import Person
from app.core.db import Database
from app.core.signing import RecipientRef
from app.recipients.models import Recipient
from app.schools.models import School

MOST_CAMPAIGNS = 256


class LinkBook:
    """The links of the campaigns lately clicked."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[UUID, dict[int, Link]] = OrderedDict()

    async def find(self, ref: RecipientRef, number: int) -> str | None:
        """Return the URL this link leads this person to; None when the campaign has no such link."""
        links = self._kept.get(ref.campaign_id)
        if links is None:
            links = self._kept[ref.campaign_id] = await self._read(ref)
            if len(self._kept) > MOST_CAMPAIGNS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(ref.campaign_id)
        link = links.get(number)
        if link is None:
            return None
        if all(isinstance(part, str) for part in link.parts):
            return destination_for(link, NOBODY)
        person = await self._read_person(ref)
        return destination_for(link, person) if person else None

    async def _read(self, ref: RecipientRef) -> dict[int, Link]:
        async with self._database.connection() as connection:
            compiled = await connection.scalar(
                select(Campaign.compiled).where(
                    Campaign.school_id == ref.school_id, Campaign.id == ref.campaign_id
                )
            )
        return {link.number: link for link in CompiledMessage.from_json(compiled).links} if compiled else {}

    async def _read_person(self, ref: RecipientRef) -> Person | None:
        async with self._database.connection() as connection:
            row = (
                await connection.execute(
                    select(
                        Recipient.first_name,
                        Recipient.last_name,
                        Recipient.email,
                        School.name,
                        Recipient.attributes,
                    )
                    .join(School, School.id == Recipient.school_id)
                    .where(
                        Recipient.school_id == ref.school_id,
                        Recipient.campaign_id == ref.campaign_id,
                        Recipient.number == ref.number,
                    )
                )
            ).first()
        return Person(row[0], row[1], row[2] or "", row[3], row[4]) if row else None


NOBODY = Person("", "", "", "", {})
