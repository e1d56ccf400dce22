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
        self._kept: OrderedDict[tuple[UUID, UUID], dict[int, Link]] = OrderedDict()

    async def find(self, ref: RecipientRef, number: int) -> str | None:
        """Return the URL this link leads this person to; None when the campaign has no such link."""
        key = (ref.school_id, ref.campaign_id)
        links = self._kept.get(key)
        if links is None:
            links = await self._read(ref)
            if links is None:
                return None
            self._kept[key] = links
            if len(self._kept) > MOST_CAMPAIGNS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        link = links.get(number)
        if link is None:
            return None
        if all(isinstance(part, str) for part in link.parts):
            return destination_for(link, NOBODY)
        person = await self._read_person(ref)
        return destination_for(link, person) if person else None

    async def _read(self, ref: RecipientRef) -> dict[int, Link] | None:
        async with self._database.connection() as connection:
            compiled = await connection.scalar(
                select(Campaign.compiled).where(
                    Campaign.school_id == ref.school_id, Campaign.id == ref.campaign_id
                )
            )
        if compiled is None:
            return None
        return {link.number: link for link in CompiledMessage.from_json(compiled).links}

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
