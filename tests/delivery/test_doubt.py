"""What is not known says why, and whether anything is still waited for."""

import random

import pytest

from app.core.clock import now
from app.core.db import Database
from app.delivery import sweeps
from app.delivery.doubt import describe_doubt
from app.delivery.settlement import settle
from app.delivery.settling import write_settlements
from app.mail.types import Outcome, OutcomeKind
from tests.delivery.campaigns import (
    claim_some,
    end_leases,
    list_recipients,
    open_campaign,
    read_campaign,
    run_sql,
)
from tests.school import SchoolClient

pytestmark = pytest.mark.usefixtures("empty_database")


WORDS = {
    "did not answer in time": ("lease_ended", "ReadTimeoutError", "TimeoutError"),
    "the connection broke": ("ConnectionClosedError", "EndpointConnectionError", "HTTPClientError"),
    "without saying what became of it": ("no_result", "no_message_id"),
    "answer leaves it open": ("InternalServiceErrorException", "502", "ResponseParserError"),
}


async def test_every_cause_has_its_words() -> None:
    for words, codes in WORDS.items():
        for code in codes:
            assert words in describe_doubt(code)


async def test_the_report_says_why_and_what_is_waited_for(school: SchoolClient, database: Database) -> None:
    turn = await open_campaign(database, school, 4, batch_size=2)
    claimed = await claim_some(database, turn)
    broken = Outcome(OutcomeKind.UNKNOWN, code="ConnectionClosedError", detail="reset")
    sent = Outcome(OutcomeKind.SENT, message_id="m")
    async with database.connection() as connection:
        settlement = settle(claimed, [broken, sent], at=now(), chance=random.Random(1))
        await write_settlements(connection, [settlement])
    await claim_some(database, turn)
    await end_leases(database)
    async with database.connection() as connection:
        await sweeps.expire_leases(connection)

    async def read_reasons() -> list[str | None]:
        return [each["delivery_reason"] for each in (await list_recipients(school, turn)).values()]

    stopped = "Not known: the worker stopped before SES's answer was recorded; waiting for evidence."
    assert await read_reasons() == [
        "Not known: the connection broke before SES answered; waiting for evidence.",
        None,
        stopped,
        stopped,
    ]
    await run_sql(database, "UPDATE batches SET state = 'undecided' WHERE state = 'unknown'")
    assert (await read_reasons())[0] == (
        "Not known: the connection broke before SES answered; no event has come, and a person must decide."
    )
    assert (await read_campaign(school, turn))["status_reason"] is None
    async with database.connection() as connection:
        await sweeps.complete_campaigns(connection)
    seen = await read_campaign(school, turn)
    assert (seen["status"], "the mail of 3 recipients" in seen["status_reason"]) == ("sent", True)
    (listed,) = (await school.read("/v1/campaigns"))["items"]
    assert listed["status_reason"] == seen["status_reason"]
