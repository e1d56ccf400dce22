"""Claims for many calls at once: while one transaction runs, those who ask meanwhile share the next."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat

from app.core.db import Database
from app.core.group_commit import GroupCommit
from app.delivery.claiming import Claim, claim_batches
from app.delivery.fairness import Turn
from app.recipients.exclude import count_excluded
from app.recipients.rows import Campaign

MOST = 8
"""Claims in one transaction: each call begins only once all of them are committed."""


@dataclass(slots=True)
class Request:
    """A call that wants the next batch of a campaign, or as much of it as may go in one call now.

    `claim` is that batch, None where there was none; `claimed_at` is the loop's time before its lease began.
    """

    turn: Turn
    largest: int
    claim: Claim | None = None
    claimed_at: float = 0.0


class Claims:
    """The worker's claims; each is durable when it is returned."""

    def __init__(self, database: Database, *, lease_seconds: int) -> None:
        self._database = database
        self._lease_seconds = lease_seconds
        self._commits = GroupCommit(self._write, most=MOST)

    async def ask(self, turn: Turn, *, largest: int) -> Request:
        """Claim the campaign's next batch, if it has one: so many recipients at most."""
        request = Request(turn, largest)
        await self._commits.submit(request)
        return request

    async def _write(self, requests: Sequence[Request]) -> None:
        by_turn: dict[Turn, list[Request]] = defaultdict(list)
        for request in requests:
            by_turn[request.turn].append(request)
        excluded: dict[Campaign, Mapping[str, int]] = {}
        async with self._database.keyed_connection() as connection:
            for turn in sorted(by_turn, key=lambda turn: (turn.school_id, turn.campaign_id)):
                asked = by_turn[turn]
                claimed_at = asyncio.get_running_loop().time()
                claims = await claim_batches(
                    connection,
                    turn,
                    most=len(asked),
                    lease_seconds=self._lease_seconds,
                    excluded=excluded,
                    largest=min(request.largest for request in asked),
                )
                for request, claim in zip(asked, chain(claims, repeat(None)), strict=False):
                    request.claim, request.claimed_at = claim, claimed_at
            await count_excluded(connection, excluded)
