"""SesMail on a bad day of SES or of the network: always an outcome, and one call at most."""

import asyncio
import socket

import pytest
from botocore.exceptions import NoRegionError

from app.mail.ses import SesMail
from app.mail.types import OutcomeKind
from tests.mail.outgoing import make_batch, results, send
from tests.mail.ses_server import Answer, Behaviour, SesServer, answer_error

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (answer_error("TooManyRequestsException", "Maximum sending rate exceeded.", 429), OutcomeKind.RETRY),
        (answer_error("LimitExceededException", "Daily message quota exceeded."), OutcomeKind.QUOTA),
        (answer_error("SendingPausedException", "paused"), OutcomeKind.HALT),
        (answer_error("SignatureDoesNotMatch", "no", 403), OutcomeKind.HALT),
        (answer_error("BadRequestException", "invalid"), OutcomeKind.SPLIT),
        (Answer(503), OutcomeKind.RETRY),
        (Answer(429, b"<html>slow down</html>"), OutcomeKind.RETRY),
        (Answer(500), OutcomeKind.UNKNOWN),
        (Answer(502, b"<html>bad gateway</html>"), OutcomeKind.UNKNOWN),
        (Answer(504), OutcomeKind.UNKNOWN),
        (Answer(200, b"{not json"), OutcomeKind.UNKNOWN),
        (Answer(200, b"\xff\xfe"), OutcomeKind.UNKNOWN),
        (Answer(200, b"[]"), OutcomeKind.UNKNOWN),
        (Answer(200, b"[" * 100_000), OutcomeKind.UNKNOWN),
        (Answer(200, b'{"BulkEmailEntryResults": 7}'), OutcomeKind.UNKNOWN),
        (Answer(200, b'{"BulkEmailEntryResults": [null, 3]}'), OutcomeKind.UNKNOWN),
        (Answer(200, b""), OutcomeKind.UNKNOWN),
        (Answer(behaviour=Behaviour.HANG), OutcomeKind.UNKNOWN),
        (Answer(behaviour=Behaviour.RESET), OutcomeKind.UNKNOWN),
        (Answer(behaviour=Behaviour.CLOSE), OutcomeKind.UNKNOWN),
        (Answer(behaviour=Behaviour.CUT_ANSWER), OutcomeKind.UNKNOWN),
    ],
)
async def test_every_bad_answer_is_an_outcome_of_one_call(
    mail: SesMail, server: SesServer, answer: Answer, expected: OutcomeKind
) -> None:
    server.answer = answer
    assert await send(mail, "a@x.test", "b@x.test") == (expected, expected)
    assert len(server.received) == 1


async def test_an_answer_that_trickles_for_ever_ends(server: SesServer) -> None:
    server.answer = Answer(behaviour=Behaviour.TRICKLE)
    async with SesMail(connect_timeout=0.2, read_timeout=0.3) as mail:
        assert await send(mail, "a@x.test") == (OutcomeKind.UNKNOWN,)


async def test_a_kept_connection_reset_under_a_request_is_unknown(mail: SesMail, server: SesServer) -> None:
    server.answer = results("SUCCESS")
    assert await send(mail, "a@x.test") == (OutcomeKind.SENT,)
    server.answer = Answer(behaviour=Behaviour.RESET)
    assert await send(mail, "a@x.test") == (OutcomeKind.UNKNOWN,)
    assert server.connections == 1


async def test_a_refused_connection_was_not_sent(aws_environment: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        aws_environment.setenv("AWS_ENDPOINT_URL_SESV2", f"http://127.0.0.1:{unused.getsockname()[1]}")
        async with SesMail() as mail:
            assert await send(mail, "a@x.test") == (OutcomeKind.RETRY,)


async def test_failed_tls_was_not_sent(aws_environment: pytest.MonkeyPatch) -> None:
    async def speak_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 This is not TLS\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(speak_plainly, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        aws_environment.setenv("AWS_ENDPOINT_URL_SESV2", f"https://127.0.0.1:{port}")
        async with SesMail() as mail:
            (outcome,) = await mail.send_batch(make_batch("a@x.test"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "SSLError")


async def test_a_connection_that_is_not_made_in_time_was_not_sent(
    server: SesServer, aws_environment: pytest.MonkeyPatch
) -> None:
    aws_environment.setenv("AWS_ENDPOINT_URL_SESV2", server.url.replace("http:", "https:"))
    async with SesMail(connect_timeout=0.2) as mail:
        (outcome,) = await mail.send_batch(make_batch("a@x.test"))
    assert (outcome.kind, outcome.code) == (OutcomeKind.RETRY, "ConnectTimeoutError")
    assert server.received == []


async def test_missing_credentials_halt_without_a_call(
    server: SesServer, aws_environment: pytest.MonkeyPatch
) -> None:
    aws_environment.delenv("AWS_ACCESS_KEY_ID")
    aws_environment.delenv("AWS_SECRET_ACCESS_KEY")
    async with SesMail() as mail:
        assert await send(mail, "a@x.test") == (OutcomeKind.HALT,)
    assert server.received == []


async def test_a_missing_region_stops_the_start(aws_environment: pytest.MonkeyPatch) -> None:
    aws_environment.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(NoRegionError):
        await SesMail().__aenter__()
