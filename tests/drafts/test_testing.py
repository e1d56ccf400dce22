"""A test message goes out at once, to each address once, as no campaign; what SES does not take is told."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.core.config import Settings
from app.core.db import Database
from app.core.redis import connect_redis
from app.directory.addresses import hash_address
from app.directory.consent import suppress_addresses
from app.drafts.mailer import Mailer
from app.schools.service import get_school
from app.simulator.client import SimulatorClient
from app.simulator.faults import FaultKind, FaultRule
from tests.directory.faults import read_faults
from tests.drafts.composing import ANN, DRAFT, post_draft, preview, send_test
from tests.school import SchoolClient

MARTA = "marta@school.example"
HTML = '<body>{{ first_name | "you" }} <a href="{{ unsubscribe_url }}">x</a>' + DRAFT["html"]


@pytest.fixture
async def pace(settings: Settings) -> AsyncIterator[Any]:
    """Redis, where the workers' pace is; what is set there is taken back."""
    redis = connect_redis(settings.redis_url)
    yield redis
    await redis.delete("campaigns:pace", "campaigns:pace:held")
    await redis.aclose()


async def suppress(database: Database, school: SchoolClient, address: str) -> None:
    async with database.system_transaction() as session:
        found = await get_school(session, school_id=school.id)
        row = {
            "school_id": school.id,
            "address_key": hash_address(found.address_secret, address),
            "email": address,
            "reason": "bounce",
            "origin": "ses",
            "campaign_id": None,
        }
        await suppress_addresses(await session.connection(), [row])


@pytest.mark.usefixtures("aws")
async def test_each_address_gets_what_the_preview_shows_once(
    school: SchoolClient, simulator: SimulatorClient, database: Database
) -> None:
    await school.push("users", ANN)
    await school.http.patch("/v1/school", json={"ses_tenant": "riverside"})
    await suppress(database, school, "gone@school.example")
    changes = {"html": HTML, "user": "ann", "from_name": "Büro", "reply_to": "desk@school.example"}
    to = [MARTA, "MARTA@school.example", "Gone@school.example", "b@bücher.example", "b@xn--bcher-kva.example"]
    results = await send_test(school, *to, **changes)
    assert [result["address"] for result in results] == [MARTA, "Gone@school.example", "b@bücher.example"]
    assert [result["sent"] for result in results] == [True, False, True]
    assert "suppression list" in results[1]["detail"]
    mails = {mail.address: mail for mail in await simulator.list_mail()}
    assert set(mails) == {MARTA, "b@xn--bcher-kva.example"}
    mail = mails[MARTA]
    assert (results[0]["message_id"], results[0]["detail"]) == (mail.message_id, None)
    shown = await preview(school, **changes)
    assert mail.subject == f"[Test] {shown['subject']}" == "[Test] Hello Ann"
    assert (mail.html, mail.text) == (shown["html"], shown["text"])
    assert mail.sender.endswith("<news@school.example>")
    assert mail.reply_to == ("desk@school.example",)
    assert (mail.headers, mail.tags) == ({}, {"test": "true"})
    assert (mail.configuration_set, mail.tenant) == ("campaigns", "riverside")
    assert (await school.read("/v1/campaigns"))["items"] == []
    (again,) = await send_test(school, MARTA)
    assert again["message_id"] not in {None, mail.message_id}
    assert len(await simulator.list_mail(MARTA)) == 2


NOT_NOW = "Not sent: nothing can be handed to Amazon SES just now; try again in a moment."
TOLD = {
    FaultKind.THROTTLE_429: NOT_NOW,
    FaultKind.ERROR_503: NOT_NOW,
    FaultKind.DAILY_QUOTA: "Not sent: the account's daily quota is used up.",
    FaultKind.ERROR_500: "Perhaps sent: Amazon SES did not answer. Look into the mailbox first.",
    FaultKind.RESET_AFTER_ACCEPTANCE: "Perhaps sent: Amazon SES did not answer. Look into the mailbox first.",
    FaultKind.SENDING_PAUSED: "Not sent: Email sending is currently paused for your account.",
    FaultKind.MAIL_FROM_NOT_VERIFIED: "Not sent: The MAIL FROM domain is not verified.",
    FaultKind.BAD_REQUEST_FOR_ADDRESS: "Not sent: Invalid email address.",
}


@pytest.mark.usefixtures("aws")
async def test_what_ses_does_not_take_is_told(school: SchoolClient, simulator: SimulatorClient) -> None:
    addresses = {f"{kind}@school.example": words for kind, words in TOLD.items()}
    rules = (FaultRule(kind, match="SendEmail", address=f"{kind}@*") for kind in TOLD)
    await simulator.add_faults(*rules)
    *refused, taken = await send_test(school, *addresses, MARTA)
    assert {result["address"]: result["detail"] for result in refused} == addresses
    assert not any(result["sent"] or result["message_id"] for result in refused)
    assert (taken["sent"], taken["detail"]) == (True, None)


async def test_without_aws_the_reason_is_told(school: SchoolClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    (result,) = await send_test(school, MARTA)
    assert (result["sent"], result["detail"]) == (False, "Not sent: You must specify a region.")


@pytest.mark.parametrize(("held", "words"), [(True, TOLD[FaultKind.DAILY_QUOTA]), (False, NOT_NOW)])
@pytest.mark.usefixtures("aws")
async def test_the_workers_pace_is_kept(
    school: SchoolClient, simulator: SimulatorClient, pace: Any, words: str, *, held: bool
) -> None:
    if held:
        await pace.set("campaigns:pace:held", 1)
    else:
        seconds, microseconds = await pace.time()
        await pace.set("campaigns:pace", (seconds + 3600) * 1_000_000 + microseconds)
        await pace.set("campaigns:pace:allowed", 14)  # as the workers were told, which went by it
    (result,) = await send_test(school, MARTA)
    assert result["detail"] == words
    assert await simulator.list_mail() == []


@pytest.mark.usefixtures("aws")
async def test_without_redis_nothing_is_sent(
    app: FastAPI, school: SchoolClient, settings: Settings, simulator: SimulatorClient
) -> None:
    lost = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1"})
    async with aclosing(Mailer(lost)) as app.state.mailer:
        results = await send_test(school, MARTA, "ann@school.example")
    assert [(result["sent"], result["detail"]) for result in results] == [(False, NOT_NOW)] * 2
    assert await simulator.list_mail() == []


@pytest.mark.parametrize(
    ("to", "pointer"),
    [
        ([], "/to"),
        ([f"a{n}@school.example" for n in range(11)], "/to"),
        (["nobody"], "/to/0"),
        ([MARTA, "josé@school.example"], "/to/1"),
        (MARTA, "/to"),
    ],
)
async def test_addresses_are_judged_as_in_the_directory(school: SchoolClient, to: Any, pointer: str) -> None:
    assert set(read_faults(await post_draft(school, "test", to=to))) == {pointer}


async def test_somebody_must_be_named(school: SchoolClient) -> None:
    answer: httpx.Response = await post_draft(school, "test")
    assert set(read_faults(answer)) == {"/to"}
