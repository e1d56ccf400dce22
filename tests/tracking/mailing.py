"""A mailing that has reached its people: frozen, handed off, and their tokens at hand."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from app.core.db import Database
from app.core.signing import Purpose, RecipientRef
from app.delivery.planning import prepare_campaign
from app.recipients.facts import FactKind
from tests.recipients.campaign import Campaign
from tests.school import SchoolClient

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
HTML = """\
<body>
<a href="https://school.example/a?x=1&amp;y=2">A</a>
<a href="https://school.example/é path?for={{ first_name }}&amp;city={{ attributes.city | "nowhere" }}#top"
>B</a>
<a href="https://school.example/unwatched" data-track="off">C</a>
</body>"""


@dataclass(frozen=True, slots=True)
class Mailing:
    """A campaign, its school, and what one of its recipients' mail program can do."""

    school: SchoolClient
    app: FastAPI
    public: httpx.AsyncClient
    campaign: Campaign

    def token(self, purpose: Purpose, *, number: int = 1) -> str:
        """Sign as the mail carries it."""
        ref = RecipientRef(self.campaign.school_id, self.campaign.id, number)
        signed: str = self.app.state.signer.sign(purpose, ref)
        return signed

    async def open(self, *, number: int = 1, agent: str = FIREFOX, method: str = "GET") -> httpx.Response:
        """Load the pixel."""
        path = f"/o/{self.token(Purpose.OPEN, number=number)}.gif"
        return await self.public.request(method, path, headers={"User-Agent": agent})

    async def click(
        self, link: int | str = 1, *, number: int = 1, agent: str = FIREFOX, method: str = "GET"
    ) -> httpx.Response:
        """Follow a link."""
        path = f"/c/{self.token(Purpose.CLICK, number=number)}/{link}"
        return await self.public.request(method, path, headers={"User-Agent": agent})

    async def stats(self) -> dict[str, Any]:
        """Read the campaign's figures."""
        stats: dict[str, Any] = (await self.school.read(f"/v1/campaigns/{self.campaign.id}"))["stats"]
        return stats

    async def recipient(self, number: int = 1) -> dict[str, Any]:
        """Read a recipient's line of the report."""
        page = await self.school.read(f"/v1/campaigns/{self.campaign.id}/recipients")
        found: dict[str, Any] = next(row for row in page["items"] if row["id"] == number)
        return found


async def send_mailing(
    school: SchoolClient, app: FastAPI, public: httpx.AsyncClient, database: Database, **message: Any
) -> Mailing:
    """Send to two people, and let it be accepted by the provider."""
    await school.push(
        "users",
        {
            "external_id": "a",
            "email": "a@x.example",
            "first_name": "Ana & Zoë/Ñ?",
            "attributes": {"city": "Jaén"},
        },
        {"external_id": "b", "email": "b@x.example"},
    )
    sent = await school.send(**{"html": HTML, **message})
    campaign = Campaign(database, school.id, UUID(sent["id"]))
    async with database.system_transaction() as session:
        await prepare_campaign(session, school_id=school.id, campaign_id=campaign.id)
    await campaign.record(*(campaign.fact(FactKind.ACCEPTED, number=number) for number in (1, 2)))
    return Mailing(school, app, public, campaign)
