"""Faults on demand: rules that say which calls go wrong, how, and how often; the same every time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import ConfigDict, Field

from app.simulator import errors
from app.simulator.errors import Refusal, bad_request
from app.simulator.fate import draw
from app.simulator.settings import Seconds, Share

EntryStatus = Literal[
    "SUCCESS",
    "MESSAGE_REJECTED",
    "MAIL_FROM_DOMAIN_NOT_VERIFIED",
    "CONFIGURATION_SET_NOT_FOUND",
    "TEMPLATE_NOT_FOUND",
    "ACCOUNT_SUSPENDED",
    "ACCOUNT_THROTTLED",
    "ACCOUNT_DAILY_QUOTA_EXCEEDED",
    "INVALID_SENDING_POOL_NAME",
    "ACCOUNT_SENDING_PAUSED",
    "CONFIGURATION_SET_SENDING_PAUSED",
    "INVALID_PARAMETER",
    "TRANSIENT_FAILURE",
    "FAILED",
]
ENTRY_STATUSES: tuple[str, ...] = get_args(EntryStatus)
"""https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html"""


class FaultKind(StrEnum):
    """What goes wrong."""

    THROTTLE_429 = "throttle_429"
    ERROR_500 = "error_500"
    ERROR_502 = "error_502"
    ERROR_503 = "error_503"
    ERROR_504 = "error_504"
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER_ACCEPTANCE = "timeout_after_acceptance"
    RESET_BEFORE = "reset_before"
    RESET_AFTER_ACCEPTANCE = "reset_after_acceptance"
    ENTRY_STATUS = "entry_status"
    ACCOUNT_SUSPENDED = "account_suspended"
    SENDING_PAUSED = "sending_paused"
    DAILY_QUOTA = "daily_quota"
    SLOW = "slow"
    CONFIGURATION_SET_NOT_FOUND = "not_found_configuration_set"
    MAIL_FROM_NOT_VERIFIED = "mail_from_not_verified"
    BAD_REQUEST_FOR_ADDRESS = "bad_request_for_address"


REFUSALS: dict[FaultKind, Refusal] = {
    FaultKind.THROTTLE_429: errors.RATE_EXCEEDED,
    FaultKind.ERROR_500: errors.INTERNAL_ERROR,
    FaultKind.ERROR_502: errors.BAD_GATEWAY,
    FaultKind.ERROR_503: errors.UNAVAILABLE,
    FaultKind.ERROR_504: errors.GATEWAY_TIMEOUT,
    FaultKind.ACCOUNT_SUSPENDED: errors.ACCOUNT_SUSPENDED,
    FaultKind.SENDING_PAUSED: errors.SENDING_PAUSED,
    FaultKind.DAILY_QUOTA: errors.QUOTA_EXCEEDED,
    FaultKind.CONFIGURATION_SET_NOT_FOUND: errors.configuration_set_missing("campaigns"),
    FaultKind.MAIL_FROM_NOT_VERIFIED: errors.MAIL_FROM_NOT_VERIFIED,
    FaultKind.BAD_REQUEST_FOR_ADDRESS: bad_request("Invalid email address."),
}


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One rule. Of the calls that `match` (and have an `address` like it), the first `after` are spared;
    of the rest a `share` goes wrong, `count` times at most.

    `seconds` is how long a timeout holds the connection, or a slow answer takes. `accepts` makes an
    `error_5xx` a lie: the mail was accepted all the same. `status` is the entry's, for `entry_status`, whose
    share and counts are of entries.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    kind: FaultKind
    match: Literal["*", "SendBulkEmail", "SendEmail", "GetAccount"] = "*"
    share: Share = 1.0
    count: Annotated[int, Field(ge=0)] | None = None
    after: Annotated[int, Field(ge=0)] = 0
    address: str = "*"
    status: EntryStatus = "TRANSIENT_FAILURE"
    seconds: Seconds = 60.0
    accepts: bool = False
    seed: int = 1


class _RunningRule:
    """A rule and how often it was met and struck."""

    __slots__ = ("met", "rule", "struck")

    def __init__(self, rule: FaultRule) -> None:
        self.rule = rule
        self.met = 0
        self.struck = 0

    def strike(self, operation: str, addresses: Sequence[str]) -> bool:
        rule = self.rule
        if rule.match not in {"*", operation}:
            return False
        if rule.address != "*" and not any(fnmatchcase(address, rule.address) for address in addresses):
            return False
        self.met += 1
        if self.met <= rule.after or (rule.count is not None and self.struck >= rule.count):
            return False
        if rule.share < 1 and draw(rule.seed, str(self.met), rule.kind) >= rule.share:
            return False
        self.struck += 1
        return True


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        """Start with none."""
        self._rules: list[_RunningRule] = []

    def __bool__(self) -> bool:
        """Tell whether there is any rule."""
        return bool(self._rules)

    def add(self, rules: Sequence[FaultRule]) -> None:
        """Put rules in force after those there are."""
        self._rules += map(_RunningRule, rules)

    def clear(self) -> None:
        """Put every rule out of force."""
        self._rules.clear()

    def list_struck(self) -> list[tuple[FaultRule, int]]:
        """Return each rule and how often it struck."""
        return [(running.rule, running.struck) for running in self._rules]

    def draw_for_call(self, operation: str, addresses: Sequence[str]) -> FaultRule | None:
        """Return the first rule that strikes this call."""
        return self._find(lambda rule: rule.kind is not FaultKind.ENTRY_STATUS, operation, addresses)

    def draw_for_entry(self, operation: str, address: str) -> EntryStatus | None:
        """Return the status a rule gives this entry of a call."""
        rule = self._find(lambda rule: rule.kind is FaultKind.ENTRY_STATUS, operation, (address,))
        return rule.status if rule else None

    def _find(
        self, concerned: Callable[[FaultRule], bool], operation: str, addresses: Sequence[str]
    ) -> FaultRule | None:
        for running in self._rules:
            if concerned(running.rule) and running.strike(operation, addresses):
                return running.rule
        return None
