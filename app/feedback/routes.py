"""`POST /webhooks/ses`: what Amazon SNS tells us of our mail."""

from fastapi import APIRouter, Request, Response

from app.core.errors import Forbidden, MalformedRequest, TooLarge, Unavailable
from app.core.http import LeanResponse, LeanRoute, describe_problems
from app.feedback import service

PATH = "/webhooks/ses"
router = APIRouter(tags=["Webhooks"], route_class=LeanRoute)
_NOTHING = [(b"content-length", b"0")]
_EXAMPLE = (
    '{"Type":"Notification","MessageId":"f3a1c2d4-0b5e-5c6f-9a7b-8c9d0e1f2a3b",'
    '"TopicArn":"arn:aws:sns:eu-west-1:123456789012:campaigns","Message":"{\\"eventType\\":\\"Delivery\\"}",'
    '"Timestamp":"2026-03-02T09:00:04.000Z","SignatureVersion":"2","Signature":"EXAMPLE",'
    '"SigningCertURL":"https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem"}'
)


@router.post(
    PATH,
    operation_id="receive_ses_event",
    summary="Receive an SNS message",
    status_code=200,
    response_class=Response,
    responses={
        200: {"description": "The message is durable, or asked for nothing."},
        **describe_problems(MalformedRequest, Forbidden, TooLarge, Unavailable),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "An SNS message (`text/plain` body of JSON), signed by SNS for an allowed topic.",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": _EXAMPLE}},
        }
    },
)
async def receive_message(request: Request) -> Response:
    """Verify the message, make its event durable, then answer 200; 503 asks SNS to try again."""
    body = await service.read_body(request.receive)
    state = request.app.state
    await service.receive(body, verifier=state.sns, feedback=state.feedback, database=state.database)
    return LeanResponse(200, _NOTHING)
