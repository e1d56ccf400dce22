"""The control API under /_sim: what a test or a demonstration asks of the simulator itself."""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import orjson
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.core.errors import AppError, InvalidInput, MalformedRequest
from app.simulator.faults import FaultRule
from app.simulator.mailbox import find_rendering_fault, render_mail
from app.simulator.simulation import Simulation

_RULES = TypeAdapter(list[FaultRule])


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """Subscribe an HTTP endpoint, and wait for it to confirm."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    endpoint: str
    timeout_seconds: Annotated[float, Field(ge=0)] = 10.0


@dataclass(frozen=True, slots=True)
class PublishRequest:
    """Sign `message` (an event, or text as it stands) and POST it once to every confirmed subscription."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    message: dict[str, Any] | str

    @property
    def text(self) -> str:
        """The Message of the notification."""
        return self.message if isinstance(self.message, str) else orjson.dumps(self.message).decode()


@dataclass(frozen=True, slots=True)
class SettleRequest:
    """Wait until the world has nothing left to do."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    timeout_seconds: Annotated[float, Field(ge=0)] = 30.0


_SUBSCRIBE = TypeAdapter(SubscribeRequest)
_PUBLISH = TypeAdapter(PublishRequest)
_SETTLE = TypeAdapter(SettleRequest)


class Control:
    """The endpoints, one method each."""

    def __init__(self, simulation: Simulation) -> None:
        """Control one simulation."""
        self._sim = simulation

    async def get_health(self, _request: Request) -> Any:
        """GET /_sim/health."""
        return {"status": "ok"}

    async def get_settings(self, _request: Request) -> Any:
        """GET /_sim/settings."""
        return self._sim.live.current

    async def change_settings(self, request: Request) -> Any:
        """PATCH /_sim/settings: a part of `public_url`, `sending`, `behaviour` and `sns`."""
        self._sim.live.change(await _read_json(request))
        if not self._sim.live.current.sns.paused:
            self._sim.topic.release()
        return self._sim.live.current

    async def get_certificate(self, _request: Request) -> Any:
        """GET /_sim/certificate: what the product must pin."""
        return {
            "url": self._sim.signer.certificate_url,
            "path": str(self._sim.certificate.path),
            "topic_arn": self._sim.topic.arn,
        }

    async def list_mail(self, request: Request) -> Any:
        """GET /_sim/mail?address=&limit=: the newest first, rendered."""
        limit = _read_limit(request, "limit", 50)
        if self._sim.live.current.keep != "all":
            return {"items": self._sim.mailbox.list_addresses(limit)}
        mails = self._sim.mailbox.find(request.query_params.get("address"), limit)
        return {"items": [render_mail(mail) for mail in mails if not find_rendering_fault(mail)]}

    async def get_ledger(self, request: Request) -> Any:
        """GET /_sim/ledger?campaign_id=&recipients=: totals, pending work, summaries where asked."""
        campaign_id = request.query_params.get("campaign_id")
        limit = _read_limit(request, "recipients", 0)
        return {
            "totals": self._sim.ledger.total(campaign_id),
            "pending": self._sim.count_pending(),
            "notifications": dict(self._sim.topic.counts),
            "recipients": self._sim.ledger.summarize(campaign_id, limit),
        }

    async def get_rate(self, _request: Request) -> Any:
        """GET /_sim/rate: recipients accepted in each 100 ms that had any."""
        rate = self._sim.quota.list_rate()
        return {"slots": [{"at": at, "accepted": accepted} for at, accepted in rate]}

    async def list_faults(self, _request: Request) -> Any:
        """GET /_sim/faults: the rules in force and how often each struck."""
        return [{"rule": rule, "struck": struck} for rule, struck in self._sim.faults.list_struck()]

    async def add_faults(self, request: Request) -> Any:
        """POST /_sim/faults: a list of rules, put in force after those there are."""
        self._sim.faults.add(_RULES.validate_python(await _read_json(request)))
        return await self.list_faults(request)

    async def clear_faults(self, _request: Request) -> Any:
        """DELETE /_sim/faults."""
        self._sim.faults.clear()
        return []

    async def subscribe(self, request: Request) -> Any:
        """POST /_sim/subscribe: the real handshake."""
        wanted = _SUBSCRIBE.validate_python(await _read_json(request))
        subscription = await self._sim.topic.subscribe(wanted.endpoint, wanted.timeout_seconds)
        return {"subscription_arn": subscription.arn, "confirmed": subscription.confirmed}

    async def publish(self, request: Request) -> Any:
        """POST /_sim/publish: one attempt for each subscription, its answer told."""
        wanted = _PUBLISH.validate_python(await _read_json(request))
        answers = await self._sim.topic.deliver_now(wanted.text)
        return {
            "deliveries": [
                {"message_id": message.message_id, "status": status} for message, status in answers
            ]
        }

    async def sign(self, request: Request) -> Any:
        """POST /_sim/sign: the signed message itself, delivered to nobody: to replay, to tamper with."""
        wanted = _PUBLISH.validate_python(await _read_json(request))
        version = self._sim.live.current.sns.signature_version
        message = self._sim.signer.sign_notification(wanted.text, version, f"{self._sim.topic.arn}:unsent")
        return Response(message.body, media_type="text/plain; charset=UTF-8")

    async def reset(self, _request: Request) -> Any:
        """POST /_sim/reset: as after a start, but for certificate and subscriptions."""
        self._sim.reset()
        return {"status": "ok"}

    async def settle(self, request: Request) -> Any:
        """POST /_sim/settle: answers when no work is pending, or the time is over."""
        wanted = _SETTLE.validate_python(await _read_json(request))
        settled = await self._sim.settle(wanted.timeout_seconds)
        return {"settled": settled, "pending": self._sim.count_pending()}

    def list_routes(self) -> list[Route]:
        """Return the routes of the control API."""
        table: list[tuple[str, str, Callable[[Request], Awaitable[Any]]]] = [
            ("GET", "health", self.get_health),
            ("GET", "settings", self.get_settings),
            ("PATCH", "settings", self.change_settings),
            ("GET", "certificate", self.get_certificate),
            ("GET", "mail", self.list_mail),
            ("GET", "ledger", self.get_ledger),
            ("GET", "rate", self.get_rate),
            ("GET", "faults", self.list_faults),
            ("POST", "faults", self.add_faults),
            ("DELETE", "faults", self.clear_faults),
            ("POST", "subscribe", self.subscribe),
            ("POST", "publish", self.publish),
            ("POST", "sign", self.sign),
            ("POST", "reset", self.reset),
            ("POST", "settle", self.settle),
        ]
        return [Route(f"/_sim/{path}", _answering(act), methods=[method]) for method, path, act in table]


def _answering(act: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        try:
            content = await act(request)
        except ValidationError as error:
            return _answer_json({"detail": error.errors(include_url=False, include_context=False)}, 422)
        except AppError as error:
            return _answer_json({"detail": error.detail}, error.status)
        return content if isinstance(content, Response) else _answer_json(content, 200)

    return answer


async def _read_json(request: Request) -> Any:
    try:
        return orjson.loads(await request.body() or b"{}")
    except ValueError:
        raise MalformedRequest("The body is not JSON.") from None


def _read_limit(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not text.isdecimal():
        message = f"{name} must be a whole number."
        raise InvalidInput(message)
    return int(text)


def _answer_json(content: Any, status: int) -> Response:
    return Response(orjson.dumps(content, default=os.fspath), status, media_type="application/json")
