"""Every fault, as the product's own client meets it."""

from typing import Any

import pytest
from aiohttp import ClientConnectorError
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from app.simulator.client import SimulatorClient
from app.simulator.faults import ENTRY_STATUSES, FaultKind, FaultRule, Faults
from tests.simulator.calls import make_call, make_entry, make_single
from tests.simulator.conftest import open_ses

pytestmark = pytest.mark.anyio

ERRORS = [
    (FaultKind.THROTTLE_429, "TooManyRequestsException", 429),
    (FaultKind.ERROR_500, "InternalFailure", 500),
    (FaultKind.ERROR_502, "502", 502),
    (FaultKind.ERROR_503, "ServiceUnavailable", 503),
    (FaultKind.ERROR_504, "504", 504),
    (FaultKind.ACCOUNT_SUSPENDED, "AccountSuspendedException", 400),
    (FaultKind.SENDING_PAUSED, "SendingPausedException", 400),
    (FaultKind.DAILY_QUOTA, "TooManyRequestsException", 429),
    (FaultKind.CONFIGURATION_SET_NOT_FOUND, "NotFoundException", 404),
    (FaultKind.MAIL_FROM_NOT_VERIFIED, "MailFromDomainNotVerifiedException", 400),
    (FaultKind.BAD_REQUEST_FOR_ADDRESS, "BadRequestException", 400),
]


@pytest.mark.parametrize(("kind", "code", "status"), ERRORS, ids=[kind for kind, _, _ in ERRORS])
async def test_errors_reach_the_client_as_its_own(
    ses: Any, simulator: SimulatorClient, kind: FaultKind, code: str, status: int
) -> None:
    await simulator.add_faults(FaultRule(kind, count=1))
    with pytest.raises(ClientError) as caught:
        await ses.send_bulk_email(**make_call(make_entry("a@example.com")))
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert (await simulator.get_ledger()).totals.accepted == 0

    await ses.send_bulk_email(**make_call(make_entry("a@example.com")))
    assert (await simulator.get_ledger()).totals.accepted == 1


async def test_an_error_may_lie_about_the_acceptance(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.add_faults(FaultRule(FaultKind.ERROR_500, accepts=True))
    with pytest.raises(ClientError):
        await ses.send_bulk_email(**make_call(make_entry("a@example.com")))
    assert (await simulator.get_ledger()).totals.accepted == 1


@pytest.mark.parametrize(
    ("kind", "accepted"), [(FaultKind.RESET_BEFORE, 0), (FaultKind.RESET_AFTER_ACCEPTANCE, 1)]
)
async def test_a_reset_says_nothing_of_the_acceptance(
    ses: Any, simulator: SimulatorClient, kind: FaultKind, accepted: int
) -> None:
    await simulator.add_faults(FaultRule(kind, match="SendBulkEmail"))
    # aiobotocore gives a reset the name it gives a refused connection; only the cause tells them apart.
    with pytest.raises(EndpointConnectionError) as caught:
        await ses.send_bulk_email(**make_call(make_entry("a@example.com")))
    assert not isinstance(caught.value.kwargs["error"], ClientConnectorError)
    assert (await simulator.get_ledger()).totals.accepted == accepted
    await ses.get_account()


@pytest.mark.parametrize(
    ("kind", "accepted"), [(FaultKind.TIMEOUT_BEFORE, 0), (FaultKind.TIMEOUT_AFTER_ACCEPTANCE, 1)]
)
async def test_a_timeout_says_nothing_of_the_acceptance(
    simulator_url: str, simulator: SimulatorClient, kind: FaultKind, accepted: int
) -> None:
    await simulator.add_faults(FaultRule(kind, seconds=30))
    async with open_ses(simulator_url, read_timeout=0.2) as impatient:
        with pytest.raises(ReadTimeoutError):
            await impatient.send_bulk_email(**make_call(make_entry("a@example.com")))
    assert (await simulator.get_ledger()).totals.accepted == accepted


async def test_a_held_connection_is_reset_in_the_end(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.add_faults(FaultRule(FaultKind.TIMEOUT_AFTER_ACCEPTANCE, seconds=0.05))
    with pytest.raises(EndpointConnectionError):
        await ses.send_email(**make_single("a@example.com"))


async def test_slow_answers_all_the_same(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.add_faults(FaultRule(FaultKind.SLOW, seconds=0.05))
    answer = await ses.send_bulk_email(**make_call(make_entry("a@example.com")))
    assert answer["BulkEmailEntryResults"][0]["Status"] == "SUCCESS"


@pytest.mark.parametrize("status", [status for status in ENTRY_STATUSES if status != "SUCCESS"])
async def test_one_entry_may_fail_with_any_status(ses: Any, simulator: SimulatorClient, status: Any) -> None:
    await simulator.add_faults(FaultRule(FaultKind.ENTRY_STATUS, status=status, address="bad*"))
    entries = [make_entry(address, n) for n, address in enumerate(("bad@example.com", "good@example.com"))]
    bad, good = (await ses.send_bulk_email(**make_call(*entries)))["BulkEmailEntryResults"]
    assert (bad["Status"], "MessageId" in bad, bool(bad["Error"])) == (status, False, True)
    assert good["Status"] == "SUCCESS"
    assert (await simulator.get_ledger()).totals.accepted == 1


async def test_a_bad_request_follows_its_address(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.add_faults(FaultRule(FaultKind.BAD_REQUEST_FOR_ADDRESS, address="*@poison.example"))
    good, bad = make_entry("a@example.com", 1), make_entry("b@poison.example", 2)
    with pytest.raises(ses.exceptions.BadRequestException):
        await ses.send_bulk_email(**make_call(good, bad))
    await ses.send_bulk_email(**make_call(good))
    assert (await simulator.get_ledger()).totals.accepted == 1


async def test_rules_are_cleared(ses: Any, simulator: SimulatorClient) -> None:
    await simulator.add_faults(FaultRule(FaultKind.THROTTLE_429))
    await simulator.clear_faults()
    await ses.get_account()


def _strikes(rule: FaultRule, calls: int) -> list[bool]:
    faults = Faults()
    faults.add([rule])
    return [faults.draw_for_call("SendEmail", ()) is not None for _ in range(calls)]


def test_after_and_count_bound_a_rule() -> None:
    struck = _strikes(FaultRule(FaultKind.THROTTLE_429, after=2, count=3), 7)
    assert struck == [False, False, True, True, True, False, False]


def test_a_share_is_the_same_for_the_same_seed() -> None:
    first = _strikes(FaultRule(FaultKind.THROTTLE_429, share=0.3), 1000)
    assert first == _strikes(FaultRule(FaultKind.THROTTLE_429, share=0.3), 1000)
    assert first != _strikes(FaultRule(FaultKind.THROTTLE_429, share=0.3, seed=2), 1000)
    assert 250 < sum(first) < 350


def test_a_rule_matches_its_operation_alone() -> None:
    assert not any(_strikes(FaultRule(FaultKind.THROTTLE_429, match="GetAccount"), 3))
