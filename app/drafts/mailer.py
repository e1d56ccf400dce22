"""The API's own road to SES, for test messages: nothing of it is loaded or opened before the first one."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING

import structlog

from app.core.config import Settings
from app.mail.types import Outcome, OutcomeKind, SingleEmail

if TYPE_CHECKING:
    from app.drafts.outbox import Outbox

log = structlog.get_logger(__name__)


class Mailer:
    """Sends test messages, from the first one to `aclose`.

    An API that sends none needs no AWS region and no credentials, and is 25 MB smaller.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._outbox: Outbox | None = None
        self._opening = asyncio.Lock()
        self._resources = AsyncExitStack()

    async def send(self, emails: Sequence[SingleEmail]) -> Sequence[Outcome]:
        """Hand each email to SES once; return one outcome for each, in order. Never raises."""
        try:
            outbox = await self._open()
        except Exception as error:  # noqa: BLE001  # a wrong region or profile may break the SDK in any way
            log.warning("SES cannot be called", error=type(error).__name__)
            return [Outcome(OutcomeKind.HALT, code=type(error).__name__, detail=str(error))] * len(emails)
        return await outbox.send(emails)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._resources.aclose()

    async def _open(self) -> "Outbox":
        async with self._opening:
            if self._outbox is None:
                # Beside the event loop: the SDK takes a second to load, and clicks must not wait for it.
                open_outbox = await asyncio.to_thread(_load)
                self._outbox = await self._resources.enter_async_context(open_outbox(self._settings))
            return self._outbox


def _load() -> "Callable[[Settings], AbstractAsyncContextManager[Outbox]]":
    from app.drafts.outbox import open_outbox  # noqa: PLC0415  # see Mailer

    return open_outbox
