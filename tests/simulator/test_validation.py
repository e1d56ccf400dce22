"""What SES refuses as a whole: the service model, and the limits only the documentation states."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.simulator.client import SimulatorClient
from tests.simulator.calls import make_call, make_entry, make_single

pytestmark = pytest.mark.anyio

Change = Callable[[dict[str, Any]], object]


def _entry(call: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = call["BulkEmailEntries"][0]
    return entry


def _set(name: str, value: Any) -> Change:
    return lambda call: _entry(call).update({name: value})


def _header(name: str, value: str) -> Change:
    return _set("ReplacementHeaders", [{"Name": name, "Value": value}])


def _tag(name: str, value: str) -> Change:
    return _set("ReplacementTags", [{"Name": name, "Value": value}])


BULK: list[tuple[Change, str]] = [
    (lambda call: call.pop("BulkEmailEntries"), "Missing required parameter"),
    (lambda call: call.update(BulkEmailEntries=[]), "between 1 and 50"),
    (lambda call: call.update(BulkEmailEntries=[_entry(call)] * 51), "between 1 and 50"),
    (lambda call: call.update(Typo="x"), "Unknown parameter"),
    (lambda call: call.update(TenantName=""), "Invalid length"),
    (lambda call: call.update(FromEmailAddress=1), "Invalid type"),
    (lambda call: call.pop("FromEmailAddress"), "FromEmailAddress is required"),
    (lambda call: call.update(FromEmailAddress="nobody"), "Missing final"),
    (lambda call: call.update(FromEmailAddress="Škola <news@school.example>"), "Display name"),
    (lambda call: call.update(ReplyToAddresses=["ř@example.com"]), "non-ASCII"),
    (lambda call: call.update(DefaultContent={}), "Template is required"),
    (lambda call: call["DefaultContent"]["Template"].pop("TemplateContent"), "does not exist"),
    (
        lambda call: call["DefaultContent"]["Template"]["TemplateContent"].pop("Subject"),
        "must have a Subject",
    ),
    (_header("Bad:Name", "x"), "regular expression"),
    (_header("X-Name", "žluť"), "regular expression"),
    (_header("X" * 127, "x"), "length <= 126"),
    (_header("X-Name", "x" * 871), "length <= 870"),
    (_set("ReplacementHeaders", [{"Name": f"X-{n}", "Value": "x"} for n in range(16)]), "length <= 15"),
    (_tag("campaign id", "x"), "Invalid tag"),
    (_tag("campaign_id", "a.b"), "Invalid tag"),
    (_tag("campaign_id", "x" * 257), "Invalid tag"),
    (
        _set("Destination", {"ToAddresses": [f"p{n}@example.com" for n in range(51)]}),
        "Recipient count exceeds",
    ),
]


@pytest.mark.parametrize(("change", "words"), BULK, ids=[words for _, words in BULK])
async def test_a_bad_bulk_call_is_refused(simulator_url: str, change: Change, words: str) -> None:
    call = make_call(make_entry("a@example.com"))
    change(call)
    await _expect_refusal(simulator_url, "outbound-bulk-emails", call, words)


SINGLE: list[tuple[Change, str]] = [
    (lambda call: call.update(Destination={}), "between 1 and 50"),
    (lambda call: call.update(Destination={"ToAddresses": ["ž@example.com"]}), "non-ASCII"),
    (lambda call: call.update(Content={}), "exactly one"),
    (lambda call: call["Content"]["Simple"].update(Body={}), "Text or Html"),
    (lambda call: call.pop("FromEmailAddress"), "FromEmailAddress is required"),
    (lambda call: call.update(EmailTags=[{"Name": "ž", "Value": "x"}]), "Invalid tag"),
    (lambda call: call.update(Content={"Template": {"TemplateName": "stored"}}), "stored does not exist"),
]


@pytest.mark.parametrize(("change", "words"), SINGLE, ids=[words for _, words in SINGLE])
async def test_a_bad_single_call_is_refused(simulator_url: str, change: Change, words: str) -> None:
    call = make_single("a@example.com")
    change(call)
    await _expect_refusal(simulator_url, "outbound-emails", call, words)


async def test_a_bulk_call_over_one_megabyte_is_refused(simulator_url: str) -> None:
    call = make_call(make_entry("a@example.com"))
    call["DefaultContent"]["Template"]["TemplateContent"]["Html"] = "x" * 1024 * 1024
    await _expect_refusal(simulator_url, "outbound-bulk-emails", call, "too large")


async def test_a_body_that_is_no_json_object_is_refused(simulator_url: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for body in (b"{", b"[]"):
            answer = await http.post(f"{simulator_url}/v2/email/outbound-emails", content=body)
            assert answer.status_code == 400
            assert answer.headers["x-amzn-ErrorType"] == "SerializationException"


async def test_a_share_of_calls_may_go_unchecked(simulator_url: str, simulator: SimulatorClient) -> None:
    await simulator.change_settings(sending={"checked": 0.5})
    call = make_call(make_entry("a@example.com"), Typo="x")
    async with httpx.AsyncClient(trust_env=False) as http:
        url = f"{simulator_url}/v2/email/outbound-bulk-emails"
        statuses = [(await http.post(url, json=call)).status_code for _ in range(6)]
    assert statuses == [200, 400] * 3


async def _expect_refusal(base_url: str, path: str, call: dict[str, Any], words: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"{base_url}/v2/email/{path}", json=call)
    assert answer.status_code == 400
    assert answer.headers["x-amzn-ErrorType"] == "BadRequestException"
    assert words in answer.json()["message"]
