"""The answer that does not end: what a listener is told, until they leave or are asked to."""

import asyncio
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.reports.live.hub import Hub
from app.reports.live.listener import Listener

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class EventStream(Response):
    """Server-sent events; the listener is forgotten the moment the client is gone."""

    media_type = "text/event-stream"

    # FastAPI reads the status it documents from this parameter's default.
    def __init__(self, hub: Hub, listener: Listener, status_code: int = 200) -> None:
        super().__init__(status_code=status_code, headers=HEADERS)
        del self.headers["content-length"]
        self._hub = hub
        self._listener = listener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer until one of the two leaves."""
        with self._hub.listening(self._listener):
            telling = asyncio.create_task(self._tell(send))
            leaving = asyncio.create_task(_wait_until_gone(receive))
            try:
                await asyncio.wait({telling, leaving}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                telling.cancel()
                leaving.cancel()
                await asyncio.wait({telling, leaving})
        with suppress(asyncio.CancelledError):
            telling.result()

    async def _tell(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async for part in self._listener.listen():
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
