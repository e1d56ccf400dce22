"""A typed client of the control API, for tests, benchmarks and the demonstration."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
from pydantic import TypeAdapter

from app.simulator.faults import FaultRule
from app.simulator.ledger import RecipientSummary, Totals
from app.simulator.mailbox import RenderedMail
from app.simulator.settings import SimulatorSettings
from app.simulator.simulation import Pending

ANSWER_SECONDS: Final = 120.0
"""How long an answer may take beyond what is waited for: a ledger of a million recipients is long."""


@dataclass(frozen=True, slots=True)
class PinnedCertificate:
    """What the product needs to know of the topic: SigningCertURL, the PEM file, the ARN."""

    url: str
    path: Path
    topic_arn: str


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The ledger as it stands; `notifications` counts SNS deliveries by what became of them."""

    totals: Totals
    pending: Pending
    notifications: dict[str, int]
    recipients: tuple[RecipientSummary, ...]


@dataclass(frozen=True, slots=True)
class RateSlot:
    """Recipients accepted in the 100 ms that begin at `at` (seconds since the epoch)."""

    at: float
    accepted: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """The outcome of the handshake."""

    subscription_arn: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class NotificationAnswer:
    """The endpoint's answer to one notification; status 599 where there was none."""

    message_id: str
    status: int


@dataclass(frozen=True, slots=True)
class Settled:
    """Whether the world came to rest in time, and what is left where it did not."""

    settled: bool
    pending: Pending


_SETTINGS = TypeAdapter(SimulatorSettings)
_CERTIFICATE = TypeAdapter(PinnedCertificate)
_MAILS = TypeAdapter(list[RenderedMail])
_LEDGER = TypeAdapter(LedgerReport)
_SLOTS = TypeAdapter(list[RateSlot])
_SUBSCRIBED = TypeAdapter(Subscribed)
_ANSWERS = TypeAdapter(list[NotificationAnswer])
_SETTLED = TypeAdapter(Settled)


class SimulatorClient:
    """Speaks to a running simulator; every method raises httpx.HTTPError when it cannot or is refused."""

    def __init__(self, base_url: str) -> None:
        """Speak to the simulator at `base_url`, such as http://127.0.0.1:8025."""
        # It speaks plain HTTP, so nobody's certificate need be read.
        nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._http = httpx.AsyncClient(base_url=base_url, trust_env=False, verify=nobody)

    async def __aenter__(self) -> Self:
        """Open the client."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close its connections."""
        await self._http.aclose()

    async def check_health(self) -> bool:
        """Tell whether the simulator answers."""
        try:
            return (await self._http.get("/_sim/health")).is_success
        except httpx.TransportError:
            return False

    async def get_settings(self) -> SimulatorSettings:
        """Return the settings in force."""
        return _SETTINGS.validate_python(await self._ask("GET", "settings"))

    async def change_settings(
        self,
        *,
        public_url: str | None = None,
        sending: Mapping[str, Any] | None = None,
        behaviour: Mapping[str, Any] | None = None,
        sns: Mapping[str, Any] | None = None,
    ) -> SimulatorSettings:
        """Change the named values of the settings and return them all."""
        changes = {"public_url": public_url, "sending": sending, "behaviour": behaviour, "sns": sns}
        patch = {name: value for name, value in changes.items() if value is not None}
        return _SETTINGS.validate_python(await self._ask("PATCH", "settings", patch))

    async def get_certificate(self) -> PinnedCertificate:
        """Return what the product must pin."""
        return _CERTIFICATE.validate_python(await self._ask("GET", "certificate"))

    async def list_mail(self, address: str | None = None, limit: int = 50) -> list[RenderedMail]:
        """Return the newest emails, rendered; needs `keep="all"`."""
        query = {"limit": str(limit)} | ({"address": address} if address else {})
        return _MAILS.validate_python((await self._ask("GET", "mail", query=query))["items"])

    async def get_ledger(self, campaign_id: str | None = None, recipients: int = 0) -> LedgerReport:
        """Return the totals of a campaign (or all), and up to `recipients` summaries."""
        query = {"recipients": str(recipients)} | (
            {"campaign_id": campaign_id} if campaign_id is not None else {}
        )
        return _LEDGER.validate_python(await self._ask("GET", "ledger", query=query))

    async def list_rate(self) -> list[RateSlot]:
        """Return the acceptances of each 100 ms that had any."""
        return _SLOTS.validate_python((await self._ask("GET", "rate"))["slots"])

    async def add_faults(self, *rules: FaultRule) -> None:
        """Put rules in force after those there are."""
        await self._ask("POST", "faults", [asdict(rule) for rule in rules])

    async def clear_faults(self) -> None:
        """Put every rule out of force."""
        await self._ask("DELETE", "faults")

    async def subscribe(self, endpoint: str, timeout_seconds: float = 10.0) -> Subscribed:
        """Subscribe an endpoint and wait for its confirmation."""
        body = {"endpoint": endpoint, "timeout_seconds": timeout_seconds}
        return _SUBSCRIBED.validate_python(await self._ask("POST", "subscribe", body))

    async def publish(self, message: Mapping[str, Any] | str) -> list[NotificationAnswer]:
        """Sign and POST an event once to each subscription; return the answers."""
        answer = await self._ask("POST", "publish", {"message": message})
        return _ANSWERS.validate_python(answer["deliveries"])

    async def sign(self, message: Mapping[str, Any] | str) -> bytes:
        """Return a signed notification without delivering it."""
        answer = await self._http.post("/_sim/sign", json={"message": message})
        return answer.raise_for_status().content

    async def reset(self) -> None:
        """Forget everything but the certificate and the subscriptions."""
        await self._ask("POST", "reset")

    async def settle(self, timeout_seconds: float = 30.0) -> Settled:
        """Wait until the world has nothing left to do, or the time is over."""
        body = {"timeout_seconds": timeout_seconds}
        return _SETTLED.validate_python(
            await self._ask("POST", "settle", body, patience_seconds=timeout_seconds + ANSWER_SECONDS)
        )

    async def _ask(
        self,
        method: str,
        path: str,
        body: Sequence[Any] | Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        patience_seconds: float = ANSWER_SECONDS,
    ) -> Any:
        answer = await self._http.request(
            method, f"/_sim/{path}", json=body, params=query, timeout=patience_seconds
        )
        return answer.raise_for_status().json()
