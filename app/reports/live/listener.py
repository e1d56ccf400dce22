"""Somebody who listens: what is still to be told to them, the newest of each campaign and no more."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from app.reports.live.events import HEARTBEAT, RETRY, join_events, make_comment
from app.schools.access import Caller

HEARTBEAT_SECONDS = 15.0
PACE_SECONDS = 0.25
"""Between two parts: at most four a second."""

Topic = tuple[UUID, UUID | None]
"""A school's id, and the campaign's; without one, all of the school's campaigns."""


class Listener:
    """One stream. `seen` names the state of the topic they have been told, or were told before."""

    def __init__(self, caller: Caller, campaign_id: UUID | None, *, last_id: str | None = None) -> None:
        self.caller = caller
        self.topic: Topic = (caller.school_id, campaign_id)
        self.seen = last_id
        self.returns = last_id is not None
        self.is_new = True
        self._events: dict[UUID | None, bytes] = {}
        self._comments: list[bytes] = []
        self._woken = asyncio.Event()
        self._ended = False

    def offer(self, events: Mapping[UUID | None, bytes], seen: str) -> None:
        """Have these told, in place of older ones of the same campaigns; `seen` is the state after them."""
        self.seen = seen
        self._events |= events
        self._woken.set()

    def remark(self, words: str) -> None:
        """Have a comment told."""
        self._comments = [make_comment(words)]
        self._woken.set()

    def end(self) -> None:
        """End the stream at once."""
        self._ended = True
        self._woken.set()

    async def listen(self) -> AsyncIterator[bytes]:
        """Yield what is to be told when there is something, and a heartbeat when there was nothing."""
        yield RETRY
        while not self._ended:
            try:
                await asyncio.wait_for(self._woken.wait(), HEARTBEAT_SECONDS)
            except TimeoutError:
                yield HEARTBEAT
                continue
            self._woken.clear()
            if part := self._take():
                yield part
                if not self._ended:
                    await asyncio.sleep(PACE_SECONDS)
        if self._comments:
            yield self._take_comments()

    def _take(self) -> bytes:
        told = self._take_comments()
        if self._events and self.seen is not None:
            told += join_events(list(self._events.values()), self.seen)
            self._events = {}
        return told

    def _take_comments(self) -> bytes:
        told, self._comments = b"".join(self._comments), []
        return told
