"""The account: whose it is, whether its clock and ours agree, and whether SES lets it send."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from app.core.clock import now
from app.core.diagnosis import Diagnosis, find_notable, find_well, find_wrong
from app.mail.setup.clients import Aws, ask

SKEW_SECONDS = 60
"""AWS refuses a request signed more than 5 minutes off.
https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html"""


async def examine_caller(aws: Aws) -> list[Diagnosis]:
    """Look whether the credentials are anybody's, and how far our clock is from AWS's."""
    caller = await ask(aws.sts.get_caller_identity())
    found = [find_well("credentials", f"account {caller['Account']}, region {aws.region}")]
    skew = _measure_skew(caller)
    if skew is not None and skew > SKEW_SECONDS:
        remedy = "Have this machine follow a time server: AWS refuses what is signed 5 minutes off."
        return [*found, find_wrong("clock", f"{skew:.0f} s off AWS's", remedy)]
    if skew is not None:
        found.append(find_well("clock", f"{skew:.0f} s off AWS's"))
    return found


def _measure_skew(answer: dict[str, Any]) -> float | None:
    """Return the seconds between the answer's Date (RFC 9110 §6.6.1, whole seconds) and our clock."""
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        told = parsedate_to_datetime(str(date))
    except ValueError:
        return None
    return abs((now() - _in_utc(told)).total_seconds())


def _in_utc(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


async def examine_sending(aws: Aws) -> list[Diagnosis]:
    """Look at quota, sandbox and standing (GetAccount).

    https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_GetAccount.html
    """
    account = await ask(aws.ses.get_account())
    quota = account["SendQuota"]
    limit, sent, rate = (quota[name] for name in ("Max24HourSend", "SentLast24Hours", "MaxSendRate"))
    words = f"{rate:,.0f} recipients a second, {sent:,.0f} sent of {_say_limit(limit)} in 24 hours"
    if 0 <= limit <= sent:
        found = [find_notable("quota", words, "Campaigns wait until the window moves on; ask AWS for more.")]
    else:
        found = [find_well("quota", words)]
    found.append(_judge_sandbox(account))
    if account.get("SendingEnabled", True):
        found.append(find_well("sending", "enabled"))
    else:
        remedy = "The SES console says why, and how to have the pause lifted."
        found.append(find_wrong("sending", "AWS has paused it for this account", remedy))
    if (standing := account.get("EnforcementStatus", "HEALTHY")) != "HEALTHY":
        remedy = "Answer AWS's review in the SES console before it pauses sending."
        found.append(find_notable("standing", standing.lower(), remedy))
    return found


def _say_limit(limit: float) -> str:
    return "no limit" if limit < 0 else f"{limit:,.0f}"


def _judge_sandbox(account: dict[str, Any]) -> Diagnosis:
    if account.get("ProductionAccessEnabled"):
        return find_well("sandbox", "left")
    remedy = "In it only verified addresses get mail: request production access in the SES console."
    return find_wrong("sandbox", "the account is still in it", remedy)
