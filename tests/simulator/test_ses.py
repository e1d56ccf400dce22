"""SES v2 through a real client: acceptance, refusals as botocore's exception classes, limits, quotas."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from app.simulator.client import SimulatorClient
from tests.simulator.calls import make_call, make_entry, make_single

pytestmark = pytest.mark.anyio


async def test_accepts_fifty_recipients_in_one_call(ses: Any, simulator: SimulatorClient) -> None:
    entries = [make_entry(f"person{number}@example.com", number) for number in range(50)]
    answer = await ses.send_bulk_email(**make_call(*entries, TenantName="school-1"))

    results = answer["BulkEmailEntryResults"]
    assert [result["Status"] for result in results] == ["SUCCESS"] * 50
    assert len({result["MessageId"] for result in results}) == 50
    mails = await simulator.list_mail(limit=100)
    assert {mail.message_id for mail in mails} == {result["MessageId"] for result in results}
    [mail] = await simulator.list_mail("PERSON7@example.com")
    assert mail.sender == "School <news@school.example>"
    assert (mail.subject, mail.text) == ("Hi Person 7", "Hello Person 7")
    assert mail.html is not None
    assert "<p>Hello Person 7</p>" in mail.html
    assert mail.headers["List-Unsubscribe"] == "<http://127.0.0.1:9/u/7>"
    assert mail.tags == {"campaign_id": "campaign-1", "recipient_id": "7"}
    assert (mail.configuration_set, mail.tenant) == ("campaigns", "school-1")


async def test_message_ids_have_the_format_of_ses(ses: Any) -> None:
    answer = await ses.send_email(**make_single("a@example.com"))
    region, *uuid, counter = answer["MessageId"].split("-")
    assert (len(region), region[:4], counter) == (16, "0100", "000000")
    assert [len(part) for part in uuid] == [8, 4, 4, 4, 12]


async def test_simple_content_is_sent_as_written(ses: Any, simulator: SimulatorClient) -> None:
    headers = [{"Name": "X-Test", "Value": "1"}]
    call = make_single("a@example.com", EmailTags=[{"Name": "test", "Value": "yes"}])
    call["Content"]["Simple"]["Headers"] = headers
    await ses.send_email(**call)
    [mail] = await simulator.list_mail()
    assert (mail.subject, mail.html, mail.text) == ("Test {{literally}}", "<p>{{literally}}</p>", "plain")
    assert (mail.headers, mail.tags) == ({"X-Test": "1"}, {"test": "yes"})


async def test_single_template_content_is_rendered(ses: Any, simulator: SimulatorClient) -> None:
    content = {"Subject": "Hi {{name}}", "Text": "Hello {{name}}"}
    template = {"TemplateContent": content, "TemplateData": json.dumps({"name": "Ann"})}
    await ses.send_email(**make_single("a@example.com", Content={"Template": template}))
    [mail] = await simulator.list_mail()
    assert (mail.subject, mail.html, mail.text) == ("Hi Ann", None, "Hello Ann")


async def test_an_entrys_own_headers_tags_and_data_go_over_the_calls(
    ses: Any, simulator: SimulatorClient
) -> None:
    call = make_call(
        make_entry("a@example.com"), DefaultEmailTags=[{"Name": "campaign_id", "Value": "other"}]
    )
    call["DefaultContent"]["Template"] |= {
        "TemplateData": json.dumps({"name": "nobody", "id": "9"}),
        "Headers": [{"Name": "list-unsubscribe", "Value": "<x>"}, {"Name": "X-Call", "Value": "1"}],
    }
    await ses.send_bulk_email(**call)
    [mail] = await simulator.list_mail()
    assert mail.subject == "Hi Person 0"
    assert mail.tags["campaign_id"] == "campaign-1"
    assert set(mail.headers) == {"X-Call", "List-Unsubscribe", "List-Unsubscribe-Post"}


async def test_account_tells_limits_and_use(ses: Any) -> None:
    await ses.send_email(**make_single("a@example.com"))
    account = await ses.get_account()
    assert account["SendQuota"] == {
        "Max24HourSend": 5_000_000.0,
        "MaxSendRate": 100_000.0,
        "SentLast24Hours": 1.0,
    }
    assert account["SendingEnabled"] is True


async def test_an_unknown_configuration_set_is_not_found(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.change_settings(sending={"configuration_sets": ["other"]})
    with pytest.raises(
        ses.exceptions.NotFoundException, match="Configuration set <campaigns> does not exist"
    ):
        await ses.send_bulk_email(**make_call(make_entry("a@example.com")))


async def test_an_unverified_sender_is_rejected(ses: Any) -> None:
    call = make_call(make_entry("a@example.com"), FromEmailAddress="X <x@unverified.example>")
    with pytest.raises(ses.exceptions.MessageRejected, match=r"not verified.*US-EAST-1: X <x@unverified"):
        await ses.send_bulk_email(**call)


async def test_sending_may_be_paused(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.change_settings(sending={"sending_enabled": False})
    assert (await ses.get_account())["SendingEnabled"] is False
    with pytest.raises(ses.exceptions.SendingPausedException):
        await ses.send_email(**make_single("a@example.com"))


async def test_rate_is_enforced_in_recipients(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.change_settings(sending={"max_send_rate": 10})
    await ses.send_bulk_email(**make_call(*[make_entry(f"p{n}@example.com", n) for n in range(50)]))
    with pytest.raises(ses.exceptions.TooManyRequestsException, match="Maximum sending rate exceeded"):
        await ses.send_email(**make_single("a@example.com"))
    assert sum(slot.accepted for slot in await simulator.list_rate()) == 50


async def test_daily_quota_is_enforced(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.change_settings(sending={"max_24_hour_send": 2})
    await ses.send_bulk_email(**make_call(make_entry("a@example.com"), make_entry("b@example.com")))
    with pytest.raises(ses.exceptions.TooManyRequestsException, match="Daily message quota exceeded"):
        await ses.send_bulk_email(**make_call(make_entry("c@example.com")))


async def test_a_message_to_several_addresses_counts_each(ses: Any, simulator: SimulatorClient) -> None:
    destination = {"ToAddresses": ["a@example.com", "b@example.com"], "CcAddresses": ["c@example.com"]}
    await ses.send_email(**make_single("x@example.com", Destination=destination))
    assert (await ses.get_account())["SendQuota"]["SentLast24Hours"] == 3
    assert len({mail.message_id for mail in await simulator.list_mail()}) == 1


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("žena@example.com", "non-ASCII"),
        ("a@škola.example", "non-ASCII"),
        ("nobody", "Missing final '@domain'"),
        ("a b@example.com", "whitespace"),
        ("a@-example.com", "Illegal address"),
    ],
)
async def test_a_bad_address_fails_its_entry_alone(ses: Any, address: str, words: str) -> None:
    answer = await ses.send_bulk_email(**make_call(make_entry(address), make_entry("b@example.com")))
    bad, good = answer["BulkEmailEntryResults"]
    assert bad["Status"] == "INVALID_PARAMETER"
    assert words in bad["Error"]
    assert good["Status"] == "SUCCESS"


async def test_data_that_is_no_json_object_fails_its_entry(ses: Any) -> None:
    entry = make_entry("a@example.com")
    entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"] = "[1]"
    [result] = (await ses.send_bulk_email(**make_call(entry)))["BulkEmailEntryResults"]
    assert result["Status"] == "INVALID_PARAMETER"


async def test_a_refusal_accepts_nobody(ses: Any, simulator: SimulatorClient) -> None:
    entries = [make_entry(f"p{number}@example.com", number) for number in range(51)]
    with pytest.raises(ClientError):
        await ses.send_bulk_email(**make_call(*entries))
    assert (await simulator.get_ledger()).totals.accepted == 0
