"""`campaigns aws doctor`: a good account is all ok; what breaks the way of mail or events is told."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.core import clock
from app.core.config import Settings
from app.core.db import Database
from app.core.diagnosis import Diagnosis, Verdict
from app.mail.setup.clients import Aws
from app.mail.setup.subscription import find_subscription
from app.mail.setup.undelivered import find_queue
from app.mail.setup.wanted import DESTINATION, Wanted
from app.operations.aws.examine import examine_aws
from app.simulator.client import SimulatorClient
from tests.operations.aws.conftest import PUBLIC
from tests.operations.examined import pick, run_sql
from tests.school import open_school


class Texts:
    """A resolver that knows these TXT records; None where nobody answers."""

    def __init__(self, *records: str, answers: bool = True) -> None:
        self._records = list(records)
        self._answers = answers

    async def find_texts(self, name: str) -> list[str] | None:
        if not self._answers:
            return None
        return self._records if name == "_dmarc.school.example" else []


GOOD = Texts("unrelated", "v=DMARC1; p=none")


def answer_well(request: httpx.Request) -> httpx.Response:
    assert str(request.url) == f"{PUBLIC}/healthz"
    return httpx.Response(200, json={"status": "ok"})


async def examine(
    settings: Settings,
    resolver: Texts = GOOD,
    answer: Callable[[httpx.Request], httpx.Response] = answer_well,
) -> list[Diagnosis]:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        found = examine_aws(settings, hours=24, resolver=resolver, client=client)
        return [each async for each in found]


@pytest.fixture
async def lived(deployed: Settings, app: Any, empty_database: Database) -> Settings:
    """A deployment with a school, which has heard of SES an hour ago."""
    async with open_school(app, empty_database):
        pass
    await run_sql(
        empty_database,
        "INSERT INTO configuration_sets (name, last_event_at) VALUES ('campaigns', now() - interval '1 h')",
    )
    return deployed


async def test_a_good_account_is_well(lived: Settings, complete: Wanted) -> None:
    found = await examine(lived)
    assert [each for each in found if each.verdict is not Verdict.OK] == []
    assert [each.subject for each in found] == [
        "credentials",
        "clock",
        "quota",
        "sandbox",
        "sending",
        "configuration set",
        "event destination",
        "topic",
        "subscription",
        "undelivered",
        "sender school.example",
        "events",
        "public URL",
    ]


async def test_an_empty_account_says_what_to_run(lived: Settings) -> None:
    found = await examine(lived)
    for subject in ("configuration set", "event destination", "topic", "subscription"):
        diagnosis = pick(found, subject)
        assert diagnosis.verdict is Verdict.WRONG, subject
        assert "campaigns aws setup" in diagnosis.remedy
    assert pick(found, "undelivered").verdict is Verdict.NOTE


async def switch_off(aws: Aws, wanted: Wanted) -> None:
    await aws.ses.put_configuration_set_sending_options(
        ConfigurationSetName=wanted.configuration_set, SendingEnabled=False
    )


async def change_destination(aws: Aws, wanted: Wanted, *types: str) -> None:
    await aws.ses.update_configuration_set_event_destination(
        ConfigurationSetName=wanted.configuration_set,
        EventDestinationName=DESTINATION,
        EventDestination={**wanted.destination, "MatchingEventTypes": list(types)},
    )


async def miss_events(aws: Aws, wanted: Wanted) -> None:
    await change_destination(aws, wanted, "SEND", "DELIVERY")


async def track_twice(aws: Aws, wanted: Wanted) -> None:
    await change_destination(aws, wanted, *wanted.destination["MatchingEventTypes"], "OPEN")


def change_topic(name: str, value: str) -> Callable[[Aws, Wanted], Awaitable[None]]:
    async def change(aws: Aws, wanted: Wanted) -> None:
        await aws.sns.set_topic_attributes(
            TopicArn=wanted.topic_arn, AttributeName=name, AttributeValue=value
        )

    return change


def change_subscription(name: str, value: str) -> Callable[[Aws, Wanted], Awaitable[None]]:
    async def change(aws: Aws, wanted: Wanted) -> None:
        arn = await find_subscription(aws, wanted)
        await aws.sns.set_subscription_attributes(
            SubscriptionArn=arn, AttributeName=name, AttributeValue=value
        )

    return change


async def give_up(aws: Aws, wanted: Wanted) -> None:
    url = await find_queue(aws, wanted.queue)
    await aws.sqs.send_message(QueueUrl=url, MessageBody="{}")


Spoil = Callable[[Aws, Wanted], Awaitable[None]]
BROKEN: list[tuple[str, str, Spoil]] = [
    ("configuration set", "switched off", switch_off),
    ("event destination", "lacks REJECT, BOUNCE", miss_events),
    ("topic", "may not publish", change_topic("Policy", '{"Statement": []}')),
    ("subscription", "raw", change_subscription("RawMessageDelivery", "true")),
    ("undelivered", "gave up on about 1", give_up),
]
NOTABLE: list[tuple[str, str, Spoil]] = [
    ("event destination", "also publishes OPEN", track_twice),
    ("topic", "SignatureVersion", change_topic("SignatureVersion", "1")),
    ("subscription", "no queue", change_subscription("RedrivePolicy", "")),
]


@pytest.mark.parametrize(("verdict", "faults"), [(Verdict.WRONG, BROKEN), (Verdict.NOTE, NOTABLE)])
async def test_what_breaks_the_way_of_events_is_told(
    lived: Settings,
    aws: Aws,
    complete: Wanted,
    verdict: Verdict,
    faults: list[tuple[str, str, Spoil]],
) -> None:
    for _, _, spoil in faults:
        await spoil(aws, complete)
    await change_topic("KmsMasterKeyId", "alias/mine")(aws, complete)
    found = await examine(lived)
    for subject, words, _ in faults:
        diagnosis = pick(found, subject)
        assert diagnosis.verdict is verdict, subject
        assert words in diagnosis.finding
        assert diagnosis.remedy
    assert any("encrypted" in each.finding for each in found)


async def test_what_keeps_mail_from_going_is_told(
    lived: Settings, simulator: SimulatorClient, complete: Wanted
) -> None:
    faults = {"sending_enabled": False, "max_24_hour_send": 0.0, "production_access": False}
    await simulator.change_settings(sending={**faults, "unverified_domains": ["school.example"]})
    found = await examine(lived)
    assert pick(found, "sending").verdict is pick(found, "sandbox").verdict is Verdict.WRONG
    assert (pick(found, "quota").verdict, "of 0" in pick(found, "quota").finding) == (Verdict.NOTE, True)
    assert "is not verified" in pick(found, "sender school.example").finding
    await simulator.change_settings(sending={"absent_domains": ["school.example"]})
    sender = pick(await examine(lived), "sender school.example")
    assert (sender.verdict, "does not know it" in sender.finding) == (Verdict.WRONG, True)


@pytest.mark.parametrize(
    ("resolver", "verdict"),
    [(GOOD, Verdict.OK), (Texts("v=spf1 -all"), Verdict.NOTE), (Texts(answers=False), Verdict.OK)],
)
async def test_a_domain_without_dmarc_is_told(
    lived: Settings, complete: Wanted, resolver: Texts, verdict: Verdict
) -> None:
    assert pick(await examine(lived, resolver), "sender school.example").verdict is verdict


async def test_silence_is_told(lived: Settings, complete: Wanted, database: Database) -> None:
    await run_sql(database, "UPDATE configuration_sets SET last_event_at = now() - interval '30 h'")
    assert "30 h ago" in pick(await examine(lived), "events").finding
    await run_sql(database, "DELETE FROM configuration_sets")
    assert pick(await examine(lived), "events").verdict is Verdict.WRONG


def answer_otherwise(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"it": "works"})


def answer_badly(_: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no")


@pytest.mark.parametrize("answer", [answer_otherwise, answer_badly])
async def test_a_public_url_that_leads_elsewhere_is_told(
    lived: Settings, complete: Wanted, answer: Callable[[httpx.Request], httpx.Response]
) -> None:
    assert pick(await examine(lived, answer=answer), "public URL").verdict is Verdict.WRONG


async def test_a_clock_that_is_wrong_is_told(
    lived: Settings, complete: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = clock.now() + timedelta(minutes=7)
    monkeypatch.setattr("app.mail.setup.doctor.account.now", lambda: late)
    found = pick(await examine(lived), "clock")
    assert found.verdict is Verdict.WRONG
    assert found.finding.startswith(("419 s", "420 s", "421 s"))


async def test_a_topic_that_is_not_allowed_is_told(
    lived: Settings, complete: Wanted, account: pytest.MonkeyPatch
) -> None:
    other = lived.model_copy(update={"sns_topic_arns": ()})
    found = pick(await examine(other), "topic")
    assert f"CAMPAIGNS_SNS_TOPIC_ARNS={complete.topic_arn}" in found.remedy


async def test_a_service_that_is_away_costs_its_own_lines(
    lived: Settings, complete: Wanted, account: pytest.MonkeyPatch
) -> None:
    account.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:1")
    found = await examine(lived)
    assert {each.subject for each in found if each.verdict is Verdict.WRONG} == {"undelivered"}
