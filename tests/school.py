"""A school under test: its API client with the few things that almost every test does first."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from fastapi import FastAPI

from app.core.db import Database
from app.schools.keys import create_key
from app.schools.schemas import SchoolCreate
from app.schools.service import create_school

MESSAGE = {
    "message_type": "marketing",
    "subject": "Hello {{ first_name }}",
    "html": '<body><p>Hi {{ first_name | "you" }}</p><a href="https://school.example/a?x=1&amp;y=2">A</a></body>',
    "audience": {"filter": {"kind": "active_users"}},
}


@dataclass(frozen=True, slots=True)
class SchoolClient:
    """A school and its API: `http` carries the school's key."""

    id: UUID
    key: str
    http: httpx.AsyncClient

    async def push(self, resource: str, *items: dict[str, Any]) -> dict[str, Any]:
        """Push records of the directory; they must be good."""
        answer = await self.http.put(f"/v1/directory/{resource}", json={"items": list(items)})
        assert answer.status_code == 200, answer.text
        result: dict[str, Any] = answer.json()
        return result

    async def push_users(self, count: int, **fields: Any) -> None:
        """Push users u1, u2, … with addresses of their own."""
        users = [
            {"external_id": f"u{n}", "email": f"user{n}@school.example", "first_name": f"First{n}", **fields}
            for n in range(1, count + 1)
        ]
        for start in range(0, count, 1000):
            await self.push("users", *users[start : start + 1000])

    async def send(self, **changes: Any) -> dict[str, Any]:
        """Send a message (marketing to the active users, unless changed); it must be accepted."""
        answer = await self.http.post("/v1/messages", json=MESSAGE | changes)
        assert answer.status_code == 202, answer.text
        campaign: dict[str, Any] = answer.json()
        return campaign

    async def read(self, path: str, **query: Any) -> Any:
        """GET something that must be there."""
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def open_school(
    app: FastAPI, database: Database, *, name: str = "Riverside School"
) -> AsyncIterator[SchoolClient]:
    """Create a school and open a client with its first key."""
    wanted = SchoolCreate(
        name=name,
        timezone="Europe/Madrid",
        from_name=name,
        from_email="news@school.example",
        postal_address="1 River Street, Sevilla",
    )
    async with database.system_transaction() as session:
        school = await create_school(session, wanted=wanted)
        _, key = await create_key(session, school_id=school.id, name="Tests")
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://campaigns.test", headers=headers
    ) as http:
        yield SchoolClient(school.id, key, http)
