"""The only door to Amazon SES (API v2): what goes in is ours, what comes out is an Outcome."""

import asyncio
import logging
from contextlib import AsyncExitStack
from typing import Any, Self

import aioboto3
from aiobotocore.config import AioConfig

from app import __version__
from app.mail.addresses import UnsendableAddress
from app.mail.encoding import (
    MAX_REQUEST_BYTES,
    BulkRequest,
    UnusableMessage,
    encode_batch,
    single_request,
)
from app.mail.failures import classify_failure
from app.mail.outcomes import accept_message, classify_results, fill_places, is_known_status, repeat
from app.mail.types import Outcome, OutcomeKind, OutgoingBatch, QuotaUnavailable, SendingQuota, SingleEmail

_log = logging.getLogger(__name__)

# A pooled connection is dropped this long after its last use, well before SES closes it: a request
# written to a connection the other side has just closed could only be answered with "unknown".
_KEEPALIVE_SECONDS = 4.0


class SesMail:
    """An SES client for the life of a process: `async with SesMail(...) as mail`.

    Region, credentials and endpoint come from the standard AWS variables, through botocore. Timeouts are
    in seconds; a call lasts at most `connect_timeout + read_timeout`, by default short enough for a worker
    to leave within 10 s. At most `max_connections` calls are in flight, more wait their turn. No call is
    ever repeated by the SDK: SES has no idempotency token.
    """

    def __init__(
        self,
        configuration_set: str | None = None,
        *,
        connect_timeout: float = 3.0,
        read_timeout: float = 6.0,
        max_connections: int = 32,
    ) -> None:
        """Remember how to call; connections are made on entering the context."""
        self._configuration_set = configuration_set
        self._longest_call = connect_timeout + read_timeout
        self._turns = asyncio.Semaphore(max_connections)
        self._config = AioConfig(
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            max_pool_connections=max_connections,
            retries={"total_max_attempts": 1, "mode": "standard"},
            # Requests are built by encoding.py and proved against the service model by its tests.
            parameter_validation=False,
            # The SDK would put its own together anew for each call, out of a dozen parts.
            user_agent=f"campaigns/{__version__}",
            connector_args={"keepalive_timeout": _KEEPALIVE_SECONDS},
        )
        self._resources = AsyncExitStack()
        self._client: Any = None

    async def __aenter__(self) -> Self:
        """Open the client; raise botocore's NoRegionError where no region is set."""
        client = aioboto3.Session().client("sesv2", config=self._config)
        self._client = await self._resources.enter_async_context(client)
        events = self._client.meta.events
        events.register("before-parameter-build.sesv2.SendBulkEmail", _set_body_aside)
        events.register("before-call.sesv2.SendBulkEmail", _put_body_in_place)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close every connection."""
        await self._resources.aclose()

    async def send_batch(self, batch: OutgoingBatch) -> tuple[Outcome, ...]:
        """Hand the batch to SES in one call; return one outcome per email, in order.

        Whatever SES or the network does is an outcome, never an exception; cancellation propagates.
        """
        size = len(batch.emails)
        try:
            request = encode_batch(batch, self._configuration_set)
        except UnusableMessage as error:
            return repeat(Outcome(OutcomeKind.HALT, code="unusable_message", detail=str(error)), size)
        outcomes = await self._send_bulk(request, size - len(request.refused), batch.sender)
        return fill_places(outcomes, request.refused, size)

    async def send_single(self, email: SingleEmail) -> Outcome:
        """Hand one complete email to SES; never raises, as `send_batch`."""
        try:
            request = single_request(email, self._configuration_set)
        except UnusableMessage as error:
            return Outcome(OutcomeKind.HALT, code="unusable_message", detail=str(error))
        except UnsendableAddress as error:
            return Outcome(OutcomeKind.FAILED, code="unsendable_address", detail=str(error))
        answer = await self._call("send_email", request, emails=1, sender=email.sender)
        return answer if isinstance(answer, Outcome) else accept_message(answer)

    async def get_quota(self) -> SendingQuota:
        """Return the account's limits (GetAccount); raise QuotaUnavailable when SES does not tell them.

        https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
        """
        try:
            async with asyncio.timeout(self._longest_call):
                account = await self._client.get_account()
            quota = account["SendQuota"]
            return SendingQuota(
                max_send_rate=float(quota["MaxSendRate"]),
                max_24_hours=float(quota["Max24HourSend"]),
                sent_last_24_hours=float(quota["SentLast24Hours"]),
                sending_enabled=bool(account.get("SendingEnabled", True)),
            )
        except Exception as error:  # an answer may break the SDK's parser in any way
            raise QuotaUnavailable(type(error).__name__) from error

    async def _send_bulk(self, request: BulkRequest, emails: int, sender: str) -> tuple[Outcome, ...]:
        """Return one outcome per email of the request's body."""
        if emails == 0:
            return ()
        if len(request.body) > MAX_REQUEST_BYTES:
            kind = OutcomeKind.SPLIT if emails > 1 else OutcomeKind.FAILED
            return repeat(Outcome(kind, code="request_too_large", detail="over 1 MB"), emails)
        answer = await self._call("send_bulk_email", {"Body": request.body}, emails=emails, sender=sender)
        if isinstance(answer, Outcome):
            return repeat(answer, emails)
        outcomes = classify_results(answer.get("BulkEmailEntryResults"), emails, sender)
        _log_unknown_statuses(outcomes)
        return outcomes

    async def _call(
        self, operation: str, request: dict[str, Any], *, emails: int, sender: str
    ) -> dict[str, Any] | Outcome:
        """Return SES's answer, or the one outcome that a refusal or failure means for every email."""
        try:
            async with self._turns, asyncio.timeout(self._longest_call):
                answer: dict[str, Any] = await getattr(self._client, operation)(**request)
                return answer
        except Exception as error:  # noqa: BLE001 - an answer may break the SDK's parser in any way
            return classify_failure(error, emails=emails, sender=sender)


def _set_body_aside(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Keep the encoded body from botocore's serializer (event `before-parameter-build`)."""
    context["encoded_body"] = params.pop("Body")


def _put_body_in_place(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    """Send the encoded body in place of the empty one that botocore serialized (event `before-call`)."""
    params["body"] = context["encoded_body"]
    params["headers"]["Content-Type"] = "application/json"


def _log_unknown_statuses(outcomes: tuple[Outcome, ...]) -> None:
    for code in {outcome.code for outcome in outcomes if outcome.kind is OutcomeKind.FAILED}:
        if not is_known_status(code):
            _log.warning("SES answered a status it does not document: %.64r", code)
