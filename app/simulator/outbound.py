"""The requests the simulator makes itself: notifications and visits, of which only the status matters."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

NO_ANSWER = 599
"""The status reported where there was no answer: refused, reset or timed out."""
_TIMEOUT = aiohttp.ClientTimeout(total=30.0)
_KEEP_ALIVE_SECONDS = 3.0
"""Less than uvicorn's 5: a visit must not meet a connection that is just being closed."""


class Outbound:
    """An HTTP client that follows no redirect, keeps no cookie and reads no proxy from the environment.

    aiohttp, as in aioboto3's own client: the world's requests share two cores with the product, and httpx
    costs several times as much for each.
    """

    def __init__(self) -> None:
        """Nothing is opened before the block that uses it begins."""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the connections' pool."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(keepalive_timeout=_KEEP_ALIVE_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=_TIMEOUT,
            trust_env=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._session:
            await self._session.close()

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> int:
        """Make a request, read the answer to its end and return its status, or NO_ANSWER."""
        if self._session is None:
            raise RuntimeError("Outbound is used before it was opened.")
        try:
            async with self._session.request(
                method, url, headers=headers, data=body, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return NO_ANSWER
