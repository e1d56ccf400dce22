"""SES v2 and SNS on the wire: REST-JSON as botocore speaks it, faults included."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any
from xml.sax.saxutils import escape

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.simulator.connection import NoAnswer
from app.simulator.envelope import Params
from app.simulator.errors import Refusal, Refused, bad_request
from app.simulator.faults import REFUSALS, FaultKind, FaultRule, Faults
from app.simulator.ses import Answer, Ses, list_addresses, parse_params
from app.simulator.sns import Topic
from app.simulator.validation import MAX_BULK_BYTES, MAX_MESSAGE_BYTES

Endpoint = Callable[[Request], Awaitable[Response]]
_XMLNS = "http://sns.amazonaws.com/doc/2010-03-31/"
_UNANSWERED = {FaultKind.TIMEOUT_AFTER_ACCEPTANCE, FaultKind.RESET_AFTER_ACCEPTANCE}


class SesWire:
    """The endpoints of SES: read the request, meet the faults, perform the operation, write the answer."""

    def __init__(self, ses: Ses, faults: Faults) -> None:
        """Serve an account."""
        self._ses = ses
        self._faults = faults

    async def get_account(self, request: Request) -> Response:
        """GET /v2/email/account."""
        return await self._serve(request, "GetAccount", self._ses.get_account, MAX_BULK_BYTES)

    async def send_email(self, request: Request) -> Response:
        """POST /v2/email/outbound-emails."""
        return await self._serve(request, "SendEmail", self._ses.send_email, MAX_MESSAGE_BYTES)

    async def send_bulk_email(self, request: Request) -> Response:
        """POST /v2/email/outbound-bulk-emails."""
        return await self._serve(request, "SendBulkEmail", self._ses.send_bulk_email, MAX_BULK_BYTES)

    def set_up(self, operation: str, perform: Callable[[Params], Answer]) -> Endpoint:
        """Return the endpoint of an operation that sets the account up; its path's names are parameters."""

        async def serve(request: Request) -> Response:
            def perform_on(params: Params) -> Answer:
                return perform({**params, **request.path_params})

            return await self._serve(request, operation, perform_on, MAX_BULK_BYTES)

        return serve

    async def _serve(
        self, request: Request, operation: str, perform: Callable[[Params], Answer], max_bytes: int
    ) -> Response:
        body = await request.body()
        try:
            params = _read_params(body, max_bytes)
            fault = self._draw_fault(operation, params)
            if fault is None:
                return _answer_json(perform(params))
            return await _serve_badly(fault, params, perform)
        except Refused as refused:
            return _answer_refusal(refused.refusal)

    def _draw_fault(self, operation: str, params: Params) -> FaultRule | None:
        if not self._faults:
            return None
        return self._faults.draw_for_call(operation, list_addresses(params))


async def _serve_badly(fault: FaultRule, params: Params, perform: Callable[[Params], Answer]) -> Response:
    """Answer as the fault has it; only some kinds let the operation happen."""
    if fault.kind is FaultKind.RESET_BEFORE:
        return NoAnswer(0.0)
    if fault.kind is FaultKind.TIMEOUT_BEFORE:
        return NoAnswer(fault.seconds)
    if fault.kind in _UNANSWERED:
        perform(params)
        return NoAnswer(fault.seconds if fault.kind is FaultKind.TIMEOUT_AFTER_ACCEPTANCE else 0.0)
    if fault.kind is FaultKind.SLOW:
        await asyncio.sleep(fault.seconds)
        return _answer_json(perform(params))
    if fault.accepts:
        perform(params)
    return _answer_refusal(REFUSALS[fault.kind])


def _read_params(body: bytes, max_bytes: int) -> Params:
    if len(body) > max_bytes:
        raise Refused(bad_request(f"Request is too large: {len(body)} bytes, {max_bytes} at most."))
    try:
        return parse_params(body)
    except ValueError:
        raise Refused(Refusal(400, "SerializationException", "The request is not a JSON object.")) from None


def _answer_json(content: Any) -> Response:
    headers = {"x-amzn-RequestId": str(uuid.uuid4())}
    return Response(orjson.dumps(content), headers=headers, media_type="application/json")


def _answer_refusal(refusal: Refusal) -> Response:
    if refusal.html:
        page = f"<html><head><title>{refusal.message}</title></head><body>{refusal.message}</body></html>"
        return Response(page, refusal.status, media_type="text/html")
    headers = {"x-amzn-RequestId": str(uuid.uuid4()), "x-amzn-ErrorType": refusal.type}
    body = orjson.dumps({"message": refusal.message})
    return Response(body, refusal.status, headers, media_type="application/json")


class SnsWire:
    """The endpoints of SNS: the certificate, and the query API's answer to a SubscribeURL."""

    def __init__(self, topic: Topic, certificate: bytes) -> None:
        """Serve one topic and its certificate (PEM)."""
        self._topic = topic
        self._certificate = certificate

    async def get_certificate(self, _request: Request) -> Response:
        """GET /SimpleNotificationService-<hex>.pem."""
        return Response(self._certificate, media_type="application/x-pem-file")

    async def act(self, request: Request) -> Response:
        """GET /?Action=ConfirmSubscription or Unsubscribe."""
        query = request.query_params
        action = query.get("Action", "")
        if action == "ConfirmSubscription":
            subscription = await self._topic.confirm(query.get("TopicArn", ""), query.get("Token", ""))
            if subscription is None:
                return _answer_xml_error("InvalidParameter", "Invalid parameter: Token")
            arn = f"<SubscriptionArn>{escape(subscription.arn)}</SubscriptionArn>"
            return _answer_xml(action, f"<{action}Result>{arn}</{action}Result>")
        if action == "Unsubscribe":
            if self._topic.unsubscribe(query.get("SubscriptionArn", "")):
                return _answer_xml(action, "")
            return _answer_xml_error("NotFound", "Subscription does not exist", status=404)
        return _answer_xml_error("InvalidAction", f"The action {escape(action)} is not valid.")


def _answer_xml(action: str, result: str) -> Response:
    metadata = f"<ResponseMetadata><RequestId>{uuid.uuid4()}</RequestId></ResponseMetadata>"
    body = f'<{action}Response xmlns="{_XMLNS}">{result}{metadata}</{action}Response>'
    return Response(body, media_type="text/xml")


def _answer_xml_error(code: str, message: str, status: int = 400) -> Response:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<ErrorResponse xmlns="{_XMLNS}">{error}<RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>'
    return Response(body, status, media_type="text/xml")
