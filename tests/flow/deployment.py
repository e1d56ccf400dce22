"""A whole deployment under test: real processes, a school's API client, and the simulated world."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.demo.check import compare_report
from app.demo.run import SCHOOL, open_school
from app.demo.stack import Stack
from app.schools.keys import parse_key
from app.simulator.client import SimulatorClient
from tests.school import SchoolClient
from tests.waiting import eventually

NOBODY_ACTS = {"opened": 0, "clicked": 0, "unsubscribed": 0, "prefetched": 0, "scanned": 0}
"""Mail is delivered or bounces; no person or machine visits."""
QUIET = NOBODY_ACTS | {"bounced": 0, "soft_bounced": 0, "complained": 0, "out_of_office": 0}
"""All mail is delivered, and nothing else happens."""
SWIFT = {"latency_seconds": 0.05, "reading_seconds": 0.3}
"""Reactions come soon, but for the floor under a person's reading, which tells people from machines."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """The running stack and the simulator's controls."""

    stack: Stack
    world: SimulatorClient

    @asynccontextmanager
    async def school(self, name: str = "Riverside School") -> AsyncIterator[SchoolClient]:
        """Create a school; open a client that speaks to the API process with its key."""
        key = await open_school(self.stack, SCHOOL.model_copy(update={"name": name}))
        parts = parse_key(key)
        assert parts is not None
        async with httpx.AsyncClient(
            base_url=self.stack.api_url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
            trust_env=False,
        ) as http:
            yield SchoolClient(parts.school_id, key, http)

    async def wait(self, school: SchoolClient, campaign_id: str, **least: int) -> dict[str, Any]:
        """Wait until the campaign's stats are at least these; return the campaign."""

        def is_there(campaign: dict[str, Any]) -> bool:
            return all(campaign["stats"][name] >= value for name, value in least.items())

        return await eventually(lambda: school.read(f"/v1/campaigns/{campaign_id}"), is_there)

    async def rest(self, school: SchoolClient, campaign_id: str, *, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until the campaign is sent, everything is heard of, and the world has nothing left to do."""

        async def read() -> dict[str, Any] | None:
            try:
                campaign: dict[str, Any] = await school.read(f"/v1/campaigns/{campaign_id}")
            except (httpx.TransportError, AssertionError):
                return None  # a test has taken something away for a moment
            return campaign

        def is_over(campaign: dict[str, Any] | None) -> bool:
            return campaign is not None and campaign["status"] == "sent" and not campaign["stats"]["pending"]

        await eventually(read, is_over, seconds=seconds)
        assert (await self.world.settle(seconds)).settled
        campaign: dict[str, Any] = await school.read(f"/v1/campaigns/{campaign_id}")
        return campaign

    async def check(self, campaign: dict[str, Any], *, recipients: int) -> None:
        """Hold the report against the simulator's ledger, number by number."""
        ledger = await self.world.get_ledger(campaign["id"])
        compared = compare_report(campaign["stats"], ledger.totals, previewed=recipients)
        wrong = [each for each in compared if not each.is_right]
        assert not wrong, wrong
        assert ledger.totals.accepted == ledger.totals.recipients == campaign["stats"]["sent"]

    async def read_rows(self, school: SchoolClient, path: str) -> list[dict[str, Any]]:
        """Read every page of a list."""
        rows, cursor = [], None
        while True:
            query = {"limit": 200} | ({"cursor": cursor} if cursor else {})
            page = await school.read(path, **query)
            rows += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return rows


def subscribe(stack: Stack) -> None:
    """Subscribe the API's webhook to the simulator's topic, once for a stack."""
    body = {"endpoint": f"{stack.api_url}/webhooks/ses", "timeout_seconds": 10}
    answer = httpx.post(f"{stack.simulator_url}/_sim/subscribe", json=body, timeout=20, trust_env=False)
    assert answer.raise_for_status().json()["confirmed"]


async def run_blocking(work: Any, *arguments: Any) -> Any:
    """Start or stop processes beside the event loop."""
    return await asyncio.to_thread(work, *arguments)


def check_sums(stats: dict[str, Any]) -> None:
    """Assert what always holds between the numbers of a report (the contract's section on reports)."""
    bounced = stats["bounced_permanent"] + stats["bounced_soft"]
    assert stats["bounced"] == bounced
    failed_after = stats["sent"] - stats["delivered"] - bounced - stats["pending"]
    failed_before = stats["failed"] - failed_after
    assert failed_after >= 0
    assert failed_before >= 0
    open_now = stats["queued"] + stats["sending"] + stats["unknown"]
    assert stats["recipients"] == open_now + stats["sent"] + failed_before
    over = stats["delivered"] or stats["sent"]
    for rate, part, whole in (
        ("sent_rate", stats["sent"], stats["recipients"]),
        ("open_rate", stats["opened"], over),
        ("click_rate", stats["clicked"], over),
    ):
        assert stats[rate] == (round(part / whole, 4) if whole else None)
    assert stats["clicked"] <= stats["opened"]
    assert stats["opens"] >= stats["opened"] - stats["opened_by_click"]
