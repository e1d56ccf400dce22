"""The identity provider's public keys (RFC 7517): read from a URL or a file, kept, and read again rarely."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

LARGEST_SET = 256 * 1024
MOST_KEYS = 100
TIMEOUT_SECONDS = 3.0
FRESH_SECONDS = 3600.0
"""A key that the provider has taken back is trusted no longer than this, while the provider answers."""
COOLDOWN_SECONDS = 60.0
"""Between two readings at least, whatever key ids are asked for."""
FIRST_COOLDOWN_SECONDS = 5.0
"""The same until the keys were read once: nobody can come in before."""
_WEAKEST_RSA = 2048
_ALGORITHMS: Final[Mapping[tuple[str, str | None], frozenset[str]]] = {
    ("RSA", None): frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    ("EC", "P-384"): frozenset({"ES384"}),
    ("EC", "P-521"): frozenset({"ES512"}),
    ("OKP", "Ed25519"): frozenset({"EdDSA"}),
}
"""Which algorithms a key may be used with: asymmetric ones alone, and only those of its own kind."""
log = structlog.get_logger(__name__)


class KeysUnavailable(Exception):
    """The keys have never been read: nobody's token can be judged."""


class KeySet:
    """The keys that verify tokens. What was read last holds while the provider is away."""

    def __init__(self, source: str, client: httpx.AsyncClient) -> None:
        """Read from `source`, a URL or the path of a file, when first asked; the client stays whose it is."""
        self._source = source
        self._client = client
        self._keys: dict[tuple[str | None, str], Any] | None = None
        self._reading = asyncio.Lock()
        self._tried_at = self._read_at = float("-inf")

    async def find(self, key_id: str | None, algorithm: str) -> Any:  # a key, as pyjwt takes it
        """Return the key, or None when the provider has none of this id for this algorithm.

        An id never seen before reads the keys again, once in a while. KeysUnavailable before the first time.
        """
        await self._refresh(is_missing=self._look_up(key_id, algorithm) is None)
        if self._keys is None:
            raise KeysUnavailable
        return self._look_up(key_id, algorithm)

    def _look_up(self, key_id: str | None, algorithm: str) -> Any:
        keys = self._keys or {}
        if key_id is not None:
            return keys.get((key_id, algorithm))
        # Without an id there must be no doubt: RFC 7517 section 4.5 leaves out `kid` where there is one key.
        fitting = [key for (_, kind), key in keys.items() if kind == algorithm]
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self, *, is_missing: bool) -> None:
        clock = asyncio.get_running_loop().time
        if not is_missing and clock() < self._read_at + FRESH_SECONDS:
            return
        if not is_missing and self._reading.locked():
            return
        async with self._reading:
            if clock() < self._tried_at + (
                FIRST_COOLDOWN_SECONDS if self._keys is None else COOLDOWN_SECONDS
            ):
                return
            self._tried_at = clock()
            try:
                self._keys = _read_set(await self._read())
                self._read_at = clock()
            except (httpx.HTTPError, OSError, TimeoutError, ValueError, TypeError) as error:
                log.warning("the identity provider's keys were not read", error=type(error).__name__)

    async def _read(self) -> bytes:
        if urlsplit(self._source).scheme not in {"http", "https"}:
            return await asyncio.to_thread(Path(self._source).read_bytes)
        body = bytearray()
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            self._client.stream("GET", self._source, timeout=TIMEOUT_SECONDS) as answer,
        ):
            if answer.status_code != httpx.codes.OK:  # redirects are not followed
                raise ValueError("not answered with 200")
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > LARGEST_SET:
                    raise ValueError("too large")
        return bytes(body)


def _read_set(body: bytes) -> dict[tuple[str | None, str], Any]:
    """Return the usable keys by id and algorithm; ValueError when it is no key set or has none of use."""
    found = orjson.loads(body) if len(body) <= LARGEST_SET else None
    entries = found.get("keys") if isinstance(found, dict) else None
    if not isinstance(entries, list) or len(entries) > MOST_KEYS:
        raise ValueError("no key set")
    keys: dict[tuple[str | None, str], Any] = {}
    for entry in entries:
        for algorithm in _list_algorithms(entry):
            key = _read_key(entry, algorithm)
            if key is not None:
                keys.setdefault((entry.get("kid"), algorithm), key)
    if not keys:
        raise ValueError("no usable key")
    return keys


def _list_algorithms(entry: object) -> Sequence[str]:
    """Return what the key may be used with; nothing for a symmetric, private or encrypting one."""
    if not isinstance(entry, dict) or "d" in entry or not isinstance(entry.get("kid"), str | None):
        return ()
    operations = entry.get("key_ops")
    may_verify = operations is None or (isinstance(operations, list) and "verify" in operations)
    if entry.get("use") not in {None, "sig"} or not may_verify:
        return ()
    possible = _ALGORITHMS.get((str(entry.get("kty")), entry.get("crv")), frozenset())
    named = entry.get("alg")
    return sorted(possible if named is None else possible & {named})


def _read_key(entry: dict[str, Any], algorithm: str) -> Any:
    try:
        key = jwt.PyJWK(entry, algorithm).key
    except jwt.PyJWTError:
        return None
    return None if isinstance(key, RSAPublicKey) and key.key_size < _WEAKEST_RSA else key
