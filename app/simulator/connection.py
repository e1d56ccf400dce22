"""Connections that can be cut: the faults in which a caller never learns what became of its request."""

import asyncio
import socket
import struct

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TRANSPORT = "simulator.transport"


class CuttableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which also hands the connection to the application, as an ASGI extension."""

    def on_message_begin(self) -> None:
        """Add the extension to the scope of the request that begins."""
        super().on_message_begin()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport}}


class NoAnswer(Response):
    """Not a response: holds the connection for `hold_seconds`, then resets it."""

    def __init__(self, hold_seconds: float) -> None:
        """Hold, then reset; 0 resets at once."""
        super().__init__()
        self._hold_seconds = hold_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for the caller to give up, no longer than the hold, and cut. The body has been read."""
        try:
            async with asyncio.timeout(self._hold_seconds):
                await receive()
        except TimeoutError:
            _reset(scope["extensions"][_TRANSPORT]["transport"])
            await receive()


def _reset(transport: asyncio.Transport) -> None:
    """Close with RST in place of FIN, as a crashed peer does: SO_LINGER with a time of zero."""
    connection = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
