"""Single emails and the account's limits, against a real HTTP server that answers like SES."""

import pytest

from app.mail.ses import SesMail
from app.mail.types import Outcome, OutcomeKind, QuotaUnavailable, SendingQuota, SingleEmail
from tests.mail.outgoing import make_single
from tests.mail.ses_server import Answer, Behaviour, SesServer, answer_error, answer_json

pytestmark = pytest.mark.anyio


async def test_a_single_email_is_sent(mail: SesMail, server: SesServer) -> None:
    server.answer = answer_json({"MessageId": "one"})
    assert await mail.send_single(make_single()) == Outcome(OutcomeKind.SENT, message_id="one")
    (request,) = server.received
    assert request.path == "/v2/email/outbound-emails"
    assert request.json()["Destination"] == {"ToAddresses": ["a@x.test"]}


@pytest.mark.parametrize(
    ("email", "answer", "expected"),
    [
        (make_single(), answer_error("BadRequestException"), OutcomeKind.FAILED),
        (make_single(), answer_json({}), OutcomeKind.UNKNOWN),
        (make_single("ünï@x.test"), answer_json({}), OutcomeKind.FAILED),
        (make_single(sender="büro@school.test"), answer_json({}), OutcomeKind.HALT),
    ],
)
async def test_a_single_email_that_is_not_sent(
    mail: SesMail, server: SesServer, email: SingleEmail, answer: Answer, expected: OutcomeKind
) -> None:
    server.answer = answer
    assert (await mail.send_single(email)).kind is expected


async def test_the_quota_is_read(mail: SesMail, server: SesServer) -> None:
    quota = {"Max24HourSend": -1, "MaxSendRate": 14.5, "SentLast24Hours": 20}
    server.answer = answer_json({"SendQuota": quota, "SendingEnabled": False})
    assert await mail.get_quota() == SendingQuota(14.5, -1, 20, sending_enabled=False)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(500),
        Answer(200, b"{}"),
        Answer(200, b"{no"),
        Answer(200, b"[]"),
        Answer(200, b'{"SendQuota": {"MaxSendRate": "x"}}'),
        Answer(behaviour=Behaviour.HANG),
        answer_error("AccessDeniedException", status=403),
    ],
)
async def test_a_quota_that_cannot_be_read_says_so(mail: SesMail, server: SesServer, answer: Answer) -> None:
    server.answer = answer
    with pytest.raises(QuotaUnavailable):
        await mail.get_quota()
