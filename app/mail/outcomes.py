"""SES's answers -> Outcome: which emails were certainly sent, certainly not, or perhaps (pure).

Statuses: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
Errors: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html#API_SendBulkEmail_Errors
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.mail.types import Outcome, OutcomeKind

ENTRY_KINDS: Mapping[str, OutcomeKind] = {
    "SUCCESS": OutcomeKind.SENT,
    "MESSAGE_REJECTED": OutcomeKind.FAILED,
    "INVALID_PARAMETER": OutcomeKind.FAILED,
    "INVALID_PARAMETER_VALUE": OutcomeKind.FAILED,
    "FAILED": OutcomeKind.FAILED,
    "ACCOUNT_THROTTLED": OutcomeKind.RETRY,
    "TRANSIENT_FAILURE": OutcomeKind.RETRY,
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": OutcomeKind.QUOTA,
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": OutcomeKind.HALT,
    "CONFIGURATION_SET_NOT_FOUND": OutcomeKind.HALT,
    "CONFIGURATION_SET_DOES_NOT_EXIST": OutcomeKind.HALT,
    "CONFIGURATION_SET_SENDING_PAUSED": OutcomeKind.HALT,
    "INVALID_SENDING_POOL_NAME": OutcomeKind.HALT,
    "ACCOUNT_SUSPENDED": OutcomeKind.HALT,
    "ACCOUNT_SENDING_PAUSED": OutcomeKind.HALT,
    # The template is shared by the whole campaign: no recipient is to blame.
    "TEMPLATE_NOT_FOUND": OutcomeKind.HALT,
    "TEMPLATE_DOES_NOT_EXIST": OutcomeKind.HALT,
}
"""Each status of one recipient: the service model's names and, where they differ, the documentation's."""

_THROTTLES = frozenset(
    {
        "LimitExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_HALTS = frozenset(
    {
        # The account, the sender and what the call names
        "AccountSuspendedException",
        "AccountSendingPausedException",
        "ConfigurationSetDoesNotExistException",
        "ConfigurationSetSendingPausedException",
        "MailFromDomainNotVerifiedException",
        "NotFoundException",
        "SendingPausedException",
        # Credentials and clock: https://docs.aws.amazon.com/ses/latest/APIReference-V2/CommonErrors.html
        "AccessDenied",
        "AccessDeniedException",
        "AuthFailure",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NotAuthorized",
        "OptInRequired",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "UnauthorizedOperation",
        "UnknownOperationException",
        "UnrecognizedClientException",
    }
)
# 408: the server gave up before the request was complete (RFC 9110 §15.5.9).
_RETRY_STATUSES = frozenset({408, 429, 503})
_HALT_STATUSES = frozenset({401, 403, 404})


def classify_results(results: object, expected: int, sender: str) -> tuple[Outcome, ...]:
    """Return one outcome per email of an answered call, in order.

    Entries the answer does not speak of are unknown: the call was accepted, perhaps they were sent.
    """
    answered = results[:expected] if isinstance(results, list) else []
    outcomes = [classify_entry(entry, sender) for entry in answered]
    silent = Outcome(OutcomeKind.UNKNOWN, code="no_result", detail="SES answered without a result")
    return (*outcomes, *[silent] * (expected - len(outcomes)))


def classify_entry(entry: object, sender: str) -> Outcome:
    """Return the outcome of one BulkEmailEntryResult; a status never heard of is a certain failure."""
    status = entry.get("Status") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(status, str):
        return Outcome(OutcomeKind.UNKNOWN, code="no_result", detail="SES answered without a status")
    kind = ENTRY_KINDS.get(status, OutcomeKind.FAILED)
    detail = str(entry.get("Error") or "")
    if kind is OutcomeKind.SENT:
        return accept_message(entry)
    if kind is OutcomeKind.FAILED and _blames_sender(detail, sender):
        kind = OutcomeKind.HALT
    return Outcome(kind, code=status, detail=detail)


def accept_message(answer: Mapping[str, Any]) -> Outcome:
    """Return SENT where the answer carries a message id; without one, nothing could prove it later."""
    message_id = answer.get("MessageId")
    if isinstance(message_id, str) and message_id:
        return Outcome(OutcomeKind.SENT, message_id=message_id)
    return Outcome(OutcomeKind.UNKNOWN, code="no_message_id", detail="accepted without a message id")


def classify_refusal(code: str, message: str, status: int, *, emails: int, sender: str) -> Outcome:
    """Return the outcome of every email of a call that SES refused as a whole.

    `status` is the HTTP status, 0 where there is none; `emails` is how many the call carried: a refusal
    that one entry may have caused is SPLIT for several and FAILED for one.
    """
    return Outcome(_refusal_kind(code, message, status, emails, sender), code=code, detail=message)


def is_known_status(code: str) -> bool:
    """Tell whether SES documents this status of a recipient."""
    return code in ENTRY_KINDS


def repeat(outcome: Outcome, times: int) -> tuple[Outcome, ...]:
    """Return the same outcome for each email of a call."""
    return (outcome,) * times


def fill_places(
    outcomes: Sequence[Outcome], refused: Mapping[int, Outcome], size: int
) -> tuple[Outcome, ...]:
    """Put the outcomes of a call and of those left out of it back in the order of the batch."""
    if not refused:
        return tuple(outcomes)
    answered = iter(outcomes)
    return tuple(refused.get(place) or next(answered) for place in range(size))


def _refusal_kind(code: str, message: str, status: int, emails: int, sender: str) -> OutcomeKind:
    if code in _THROTTLES:
        # One exception for the rate a second and for the 24 hours: only the sentence tells them apart.
        return OutcomeKind.QUOTA if "daily" in message.lower() else OutcomeKind.RETRY
    if code in _HALTS or (code == "MessageRejected" and _blames_sender(message, sender)):
        return OutcomeKind.HALT
    if status in _RETRY_STATUSES:
        return OutcomeKind.RETRY
    if status in _HALT_STATUSES:
        return OutcomeKind.HALT
    if 400 <= status < 500:
        return OutcomeKind.SPLIT if emails > 1 else OutcomeKind.FAILED
    return OutcomeKind.UNKNOWN


def _blames_sender(message: str, sender: str) -> bool:
    """Tell whether "Email address is not verified" is about the sender.

    In the SES sandbox the recipient must be verified too; the sentence lists the identities that failed.
    """
    lowered = message.lower()
    if "not verified" not in lowered:
        return False
    _, listed, identities = lowered.rpartition(":")
    return not listed or "@" not in identities or sender.lower() in identities
