"""Where a tracked link leads: the campaign's own links, which never change, so copies of them serve as well.

In memory first, then in Redis, then in PostgreSQL. Redis holds them as the author wrote them, with the merge
fields, never what a person's data makes of them.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import cast
from uuid import UUID

from sqlalchemy import select

from app.campaigns.models import Campaign
from app.content.compiled import CompiledMessage, Link, destination_for
from app.content.person import Person
from app.core.db import Database
from app.core.signing import RecipientRef
from app.recipients.models import Recipient
from app.schools.models import School
from app.tracking.kept_links import KeptLinks
from app.tracking.outage import DatabaseAway, DatabaseWatch

MOST_CAMPAIGNS = 256
NOBODY = Person("", "", "", "", {})


class LinksUnknown(Exception):
    """Where the link leads cannot be told now: what knows it is away."""


@dataclass(slots=True)
class LinkBook:
    """The links of the campaigns lately clicked."""

    database: Database
    kept: KeptLinks
    watch: DatabaseWatch
    _known: OrderedDict[tuple[UUID, UUID], dict[int, str | Link]] = field(default_factory=OrderedDict)

    async def find(self, ref: RecipientRef, number: int) -> str | None:
        """Return the URL this link leads this person to; None when the campaign has no such link.

        Raise LinksUnknown where that cannot be told now.
        """
        link = (await self._find_links(ref)).get(number)
        if link is None or isinstance(link, str):
            return link
        try:
            person = await self.watch.ask(lambda: self._read_person(ref))
        except DatabaseAway:
            return _lead_anybody(link)
        return destination_for(link, person) if person else None

    async def _find_links(self, ref: RecipientRef) -> dict[int, str | Link]:
        """Return the links by number: where each leads, or what makes that of a person."""
        key = (ref.school_id, ref.campaign_id)
        links = self._known.get(key)
        if links is None:
            found = await self.kept.find(*key)
            if found is None:
                found = await self._read(ref)
                if found is None:
                    return {}
                await self.kept.keep(*key, found)
            links = self._known[key] = {link.number: _lead_everybody(link) or link for link in found}
            if len(self._known) > MOST_CAMPAIGNS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return links

    async def _read(self, ref: RecipientRef) -> Sequence[Link] | None:
        try:
            return await self.watch.ask(lambda: read_links(self.database, ref.school_id, ref.campaign_id))
        except DatabaseAway as error:
            raise LinksUnknown from error

    async def _read_person(self, ref: RecipientRef) -> Person | None:
        async with self.database.connection() as connection:
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


async def read_links(database: Database, school_id: UUID, campaign_id: UUID) -> Sequence[Link] | None:
    """Return the links of a campaign; None when there is no such campaign."""
    async with database.connection() as connection:
        compiled = await connection.scalar(
            select(Campaign.compiled).where(Campaign.school_id == school_id, Campaign.id == campaign_id)
        )
    return None if compiled is None else CompiledMessage.from_json(compiled).links


def _lead_everybody(link: Link) -> str | None:
    """Return where the link leads all alike; None where that depends on the person."""
    return destination_for(link, NOBODY) if all(isinstance(part, str) for part in link.parts) else None


def _lead_anybody(link: Link) -> str:
    """Return where the link leads somebody we know nothing of, with the author's fallbacks.

    Data in the query or the fragment only fits the page to the person; in the host or the path it names the
    page, and another one would be worse than none for the moment: raise LinksUnknown then.
    """
    fixed = cast(list[str], list(takewhile(lambda part: isinstance(part, str), link.parts)))
    if not {"?", "#"} & set("".join(fixed)):
        raise LinksUnknown
    return destination_for(link, NOBODY)
