"""What the AWS SDK raises -> Outcome: was the request certainly not written, or perhaps (pure).

The exceptions are those of botocore as aiobotocore's httpsession.py raises them.
"""

import socket

from aiohttp import ClientConnectorError
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    EndpointProviderError,
    InvalidProxiesConfigError,
    InvalidRegionError,
    MetadataRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)

from app.mail.outcomes import classify_refusal
from app.mail.types import Outcome, OutcomeKind

_NEVER_CONNECTED = (ConnectTimeoutError, ProxyConnectionError, SSLError)
_NEVER_CALLED = (
    CredentialRetrievalError,
    EndpointProviderError,
    InvalidProxiesConfigError,
    InvalidRegionError,
    MetadataRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
    UnknownCredentialError,
)


def classify_failure(error: Exception, *, emails: int, sender: str) -> Outcome:
    """Return the outcome of every email of a call that raised `error`.

    Whatever is not known to happen before the first byte is written is UNKNOWN: a timeout, a reset, an
    answer that cannot be read.
    """
    if isinstance(error, ClientError):
        answer = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code, message = str(answer.get("Code") or ""), str(answer.get("Message") or "")
        return classify_refusal(code, message, status, emails=emails, sender=sender)
    return Outcome(_failure_kind(error), code=type(error).__name__, detail=str(error))


def _failure_kind(error: Exception) -> OutcomeKind:
    if isinstance(error, _NEVER_CALLED):
        return OutcomeKind.HALT
    if isinstance(error, _NEVER_CONNECTED) or _could_not_connect(error):
        return OutcomeKind.RETRY
    return OutcomeKind.UNKNOWN


def _could_not_connect(error: Exception) -> bool:
    """Tell a refused connection from a broken one.

    aiobotocore raises EndpointConnectionError for both; only aiohttp's ClientConnectorError (refused, DNS)
    says that no connection was made. A reset of a kept-alive connection may follow the whole request.
    """
    if not isinstance(error, EndpointConnectionError):
        return False
    return isinstance(error.kwargs.get("error"), (ClientConnectorError, socket.gaierror))
