"""The refusals of SES v2, as they stand on the wire: status, `x-amzn-ErrorType`, message."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """One SES error; `html` answers as a load balancer in front of SES does, without an error type."""

    status: int
    type: str
    message: str
    html: bool = False


class Refused(Exception):
    """The call as a whole was refused and nothing was accepted."""

    def __init__(self, refusal: Refusal) -> None:
        """Carry the refusal to the wire."""
        super().__init__(refusal.message)
        self.refusal = refusal


# https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html#API_SendBulkEmail_Errors
# https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas-errors.html
RATE_EXCEEDED = Refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
QUOTA_EXCEEDED = Refusal(429, "TooManyRequestsException", "Daily message quota exceeded.")
ACCOUNT_SUSPENDED = Refusal(
    400, "AccountSuspendedException", "The account's ability to send email has been permanently restricted."
)
SENDING_PAUSED = Refusal(400, "SendingPausedException", "Email sending is currently paused for your account.")
MAIL_FROM_NOT_VERIFIED = Refusal(
    400, "MailFromDomainNotVerifiedException", "The MAIL FROM domain is not verified."
)
INTERNAL_ERROR = Refusal(500, "InternalFailure", "The request processing has failed for an unknown reason.")
UNAVAILABLE = Refusal(503, "ServiceUnavailable", "The service is temporarily unable to handle the request.")
BAD_GATEWAY = Refusal(502, "", "502 Bad Gateway", html=True)
GATEWAY_TIMEOUT = Refusal(504, "", "504 Gateway Time-out", html=True)


def bad_request(message: str) -> Refusal:
    """Return the refusal of a request that breaks the service model or a documented limit."""
    return Refusal(400, "BadRequestException", message)


def configuration_set_missing(name: str) -> Refusal:
    """Return the refusal of a configuration set that does not exist."""
    return Refusal(404, "NotFoundException", f"Configuration set <{name}> does not exist.")


def identity_not_verified(identity: str, region: str) -> Refusal:
    """Return the refusal of an unverified sender, in SES's own words."""
    return Refusal(
        400,
        "MessageRejected",
        "Email address is not verified. The following identities failed the check in region "
        f"{region.upper()}: {identity}",
    )
