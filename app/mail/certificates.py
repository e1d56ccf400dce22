"""SNS signing certificates: pinned, cached, or fetched once however many ask for them."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import TypeVar

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

MAX_CERTIFICATE_BYTES = 16 * 1024
FETCH_SECONDS = 3.0
_MAX_KEYS = 32
_MAX_FAILURES = 256
_MAX_FETCHES = 8

_Value = TypeVar("_Value")


class CertificateFailure(Enum):
    """Why there is no key behind a URL."""

    REFUSED = auto()
    """It was answered with something else than an RSA certificate; asking again changes nothing."""
    UNREACHABLE = auto()
    """It could not be asked for; later it may be."""


_REMEMBERED_SECONDS: Mapping[CertificateFailure, float] = {
    CertificateFailure.REFUSED: 60.0,
    # SNS tries a message again within seconds, and gives up for good some time later.
    CertificateFailure.UNREACHABLE: 5.0,
}


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A certificate's RSA public key, and the validity of a fetched certificate.

    A pinned key has none: whoever pins it vouches for it, as for a trust anchor (RFC 5280 §6.1.1 d).
    """

    public_key: RSAPublicKey
    validity: tuple[datetime, datetime] | None = None

    def is_valid_at(self, instant: datetime) -> bool:
        """Tell whether the certificate is valid at the instant (RFC 5280 §4.1.2.5)."""
        return self.validity is None or self.validity[0] <= instant <= self.validity[1]


def read_certificate(pem: bytes) -> SigningKey:
    """Return the key of a PEM certificate; raise ValueError where it is not one with an RSA key."""
    certificate = x509.load_pem_x509_certificate(pem)
    public_key = certificate.public_key()
    if not isinstance(public_key, RSAPublicKey):
        raise ValueError("not an RSA certificate")  # noqa: TRY004 - the input's value is wrong, not a type
    return SigningKey(public_key, (certificate.not_valid_before_utc, certificate.not_valid_after_utc))


def read_pinned_certificates(pinned: Mapping[str, Path | str]) -> dict[str, SigningKey]:
    """Read each pinned URL's PEM file; raise ValueError that names the URL whose file cannot be used."""
    keys = {}
    for url, path in pinned.items():
        try:
            keys[url] = SigningKey(read_certificate(Path(path).read_bytes()).public_key)
        except (OSError, ValueError) as error:
            reason = f"the certificate pinned for {url} cannot be read: {error}"
            raise ValueError(reason) from error
    return keys


class CertificateStore:
    """Keys by URL. The caller has already judged the URL: whatever is asked for here may be fetched.

    Keys and failures are bounded apart, so that asking for certificates that do not exist never pushes
    out one that does.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        pinned: Mapping[str, SigningKey],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Fetch through `client`; `monotonic` tells the age of a failure, in seconds."""
        self._client = client
        self._pinned = dict(pinned)
        self._monotonic = monotonic
        self._keys: OrderedDict[str, SigningKey] = OrderedDict()
        self._failures: OrderedDict[str, tuple[float, CertificateFailure]] = OrderedDict()
        self._fetches: dict[str, asyncio.Task[SigningKey | CertificateFailure]] = {}

    def get(self, url: str) -> SigningKey | CertificateFailure | None:
        """Return what is already known of the URL, without waiting."""
        if key := self._pinned.get(url):
            return key
        if key := self._keys.get(url):
            self._keys.move_to_end(url)
            return key
        forgotten_at, failure = self._failures.get(url, (float("-inf"), None))
        return failure if self._monotonic() < forgotten_at else None

    async def load(self, url: str) -> SigningKey | CertificateFailure:
        """Return the key of the URL, fetched if need be; those who ask at the same time share one fetch."""
        if (known := self.get(url)) is not None:
            return known
        fetch = self._fetches.get(url)
        if fetch is None:
            if len(self._fetches) >= _MAX_FETCHES:
                return CertificateFailure.UNREACHABLE
            fetch = self._fetches[url] = asyncio.create_task(self._fetch(url))
        # One who gives up waiting must not take the fetch from the others.
        return await asyncio.shield(fetch)

    async def aclose(self) -> None:
        """Give up the fetches under way."""
        fetches = list(self._fetches.values())
        for fetch in fetches:
            fetch.cancel()
        await asyncio.gather(*fetches, return_exceptions=True)

    async def _fetch(self, url: str) -> SigningKey | CertificateFailure:
        try:
            result = await self._download(url)
        finally:
            del self._fetches[url]
        if isinstance(result, SigningKey):
            _remember(self._keys, url, result, _MAX_KEYS)
        else:
            forgotten_at = self._monotonic() + _REMEMBERED_SECONDS[result]
            _remember(self._failures, url, (forgotten_at, result), _MAX_FAILURES)
        return result

    async def _download(self, url: str) -> SigningKey | CertificateFailure:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                status, pem = await self._get(url)
        except (httpx.HTTPError, TimeoutError):
            return CertificateFailure.UNREACHABLE
        if status == 429 or status >= 500:
            return CertificateFailure.UNREACHABLE
        if status != 200 or len(pem) > MAX_CERTIFICATE_BYTES:
            return CertificateFailure.REFUSED
        try:
            return read_certificate(pem)
        except ValueError:
            return CertificateFailure.REFUSED

    async def _get(self, url: str) -> tuple[int, bytes]:
        """Return the status and the body, read no further than one chunk past the limit."""
        request = self._client.stream(
            "GET", url, headers={"Accept-Encoding": "identity"}, follow_redirects=False, timeout=FETCH_SECONDS
        )
        body = b""
        async with request as response:
            # A compressed answer, which nobody asked for, could unpack to any size.
            if response.headers.get("Content-Encoding", "identity") == "identity":
                async for chunk in response.aiter_bytes(4096):
                    body += chunk
                    if len(body) > MAX_CERTIFICATE_BYTES:
                        break
            return response.status_code, body


def _remember(entries: OrderedDict[str, _Value], url: str, value: _Value, limit: int) -> None:
    entries[url] = value
    entries.move_to_end(url)
    while len(entries) > limit:
        entries.popitem(last=False)
