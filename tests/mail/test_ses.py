"""SesMail against a real HTTP server that answers like SES."""

import asyncio
import logging

import pytest

from app.mail.ses import SesMail
from app.mail.types import OutcomeKind
from tests.mail.outgoing import make_batch, results, send
from tests.mail.ses_server import Answer, Behaviour, SesServer

pytestmark = pytest.mark.anyio


async def test_accepted_emails_are_sent_with_their_message_ids(mail: SesMail, server: SesServer) -> None:
    server.answer = results("SUCCESS", "SUCCESS")
    outcomes = await mail.send_batch(make_batch("a@x.test", "b@x.test"))
    assert [outcome.message_id for outcome in outcomes] == ["id-0", "id-1"]
    assert {outcome.kind for outcome in outcomes} == {OutcomeKind.SENT}


async def test_the_request_is_one_signed_json_post(mail: SesMail, server: SesServer) -> None:
    server.answer = results("SUCCESS")
    await mail.send_batch(make_batch("a@x.test"))
    (request,) = server.received
    assert request.path == "/v2/email/outbound-bulk-emails"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert request.json()["ConfigurationSetName"] == "our-set"


async def test_each_entry_has_its_own_outcome(mail: SesMail, server: SesServer) -> None:
    server.answer = results("SUCCESS", "MESSAGE_REJECTED", "ACCOUNT_THROTTLED")
    kinds = await send(mail, "a@x.test", "b@x.test", "c@x.test")
    assert kinds == (OutcomeKind.SENT, OutcomeKind.FAILED, OutcomeKind.RETRY)


async def test_unsendable_recipients_fail_in_their_place_without_being_sent(
    mail: SesMail, server: SesServer
) -> None:
    server.answer = results("SUCCESS", "TRANSIENT_FAILURE")
    kinds = await send(mail, "ünï@x.test", "a@x.test", "no address", "b@bücher.test")
    assert kinds == (OutcomeKind.FAILED, OutcomeKind.SENT, OutcomeKind.FAILED, OutcomeKind.RETRY)
    sent = [entry["Destination"]["ToAddresses"] for entry in server.received[0].json()["BulkEmailEntries"]]
    assert sent == [["a@x.test"], ["b@xn--bcher-kva.test"]]


async def test_nothing_is_called_when_nobody_can_be_sent_to(mail: SesMail, server: SesServer) -> None:
    assert await send(mail, "ünï@x.test") == (OutcomeKind.FAILED,)
    assert server.received == []


async def test_a_short_answer_leaves_the_rest_unknown(mail: SesMail, server: SesServer) -> None:
    server.answer = results("SUCCESS")
    assert await send(mail, "a@x.test", "b@x.test") == (OutcomeKind.SENT, OutcomeKind.UNKNOWN)


async def test_a_call_over_one_megabyte_is_split_here(mail: SesMail, server: SesServer) -> None:
    html = "x" * 1_000_000
    outcomes = await mail.send_batch(make_batch("a@x.test", "b@x.test", html=html))
    alone = await mail.send_batch(make_batch("a@x.test", html=html))
    assert [outcome.kind for outcome in outcomes + alone] == [
        OutcomeKind.SPLIT,
        OutcomeKind.SPLIT,
        OutcomeKind.FAILED,
    ]
    assert server.received == []


async def test_an_unusable_sender_halts_all(mail: SesMail, server: SesServer) -> None:
    outcomes = await mail.send_batch(make_batch("a@x.test", "b@x.test", sender="büro@school.test"))
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.HALT] * 2
    assert server.received == []


async def test_undocumented_statuses_are_logged(
    mail: SesMail, server: SesServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = results("SOMETHING_NEW", "MESSAGE_REJECTED")
    with caplog.at_level(logging.WARNING, logger="app.mail.ses"):
        await send(mail, "a@x.test", "b@x.test")
    assert [record.args for record in caplog.records] == [("SOMETHING_NEW",)]


async def test_cancelling_the_caller_cancels_the_call(mail: SesMail, server: SesServer) -> None:
    server.answer = Answer(behaviour=Behaviour.HANG)
    call = asyncio.create_task(mail.send_batch(make_batch("a@x.test")))
    await server.got_request.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


async def test_calls_wait_their_turn_for_a_connection(server: SesServer) -> None:
    server.answer = results("SUCCESS")
    async with SesMail(max_connections=2) as mail:
        sent = await asyncio.gather(*(send(mail, "a@x.test") for _ in range(20)))
    assert sent == [(OutcomeKind.SENT,)] * 20
    assert server.connections <= 2
